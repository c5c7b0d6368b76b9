# Fails unless libgyre.so exports exactly the functions that gyre.h declares.
# cmake -DNM=nm -DLIBRARY=libgyre.so -DHEADER=gyre.h -P exported_symbols.cmake

execute_process(COMMAND ${NM} -D --defined-only ${LIBRARY} OUTPUT_VARIABLE symbols
    COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " [A-Za-z] [^\n]+" rows "${symbols}")
set(exported)
foreach(row IN LISTS rows)
    string(REGEX REPLACE "^ [A-Za-z] " "" name "${row}")
    list(APPEND exported ${name})
endforeach()

file(READ ${HEADER} header)
string(REGEX REPLACE "/\\*[^*]*\\*+([^/*][^*]*\\*+)*/" "" header "${header}")  # comments
string(REGEX MATCHALL "GYRE_API[^;]*;" declarations "${header}")
set(declared)
foreach(declaration IN LISTS declarations)
    string(REGEX MATCH "(gyre_[a-z0-9_]+)\\(" match "${declaration}")
    list(APPEND declared ${CMAKE_MATCH_1})
endforeach()

list(SORT exported)
list(SORT declared)
list(LENGTH declared count)
if(NOT exported STREQUAL declared OR count LESS 20)
    message(FATAL_ERROR "declared: ${declared}\nexported: ${exported}")
endif()
message("${count} functions")
