# Fails unless libgyre.so exports exactly the functions that the headers of include/gyre declare.
# cmake -DNM=nm -DLIBRARY=libgyre.so -DHEADERS=include/gyre -P exported_symbols.cmake

execute_process(COMMAND ${NM} -D --defined-only ${LIBRARY} OUTPUT_VARIABLE symbols
    COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " [A-Za-z] [^\n]+" rows "${symbols}")
set(exported)
foreach(row IN LISTS rows)
    string(REGEX REPLACE "^ [A-Za-z] " "" name "${row}")
    list(APPEND exported ${name})
endforeach()

file(GLOB headers ${HEADERS}/*.h)
set(declarations)
foreach(path IN LISTS headers)
    file(READ ${path} header)
    string(REGEX REPLACE "/\\*[^*]*\\*+([^/*][^*]*\\*+)*/" "" header "${header}")  # comments
    string(REGEX MATCHALL "GYRE_API[^;]*;" found "${header}")
    list(APPEND declarations ${found})
endforeach()
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
