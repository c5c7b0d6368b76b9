# Builds one port and runs what of it runs here. Sourced by scripts/ports.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# run_port has set, for the functions below: port, folder (of the build), and what describe sets (tools/ports/ports.sh).
# A check adds words to ran and returns whether all went well.

: "${cache:?}" "${jobs:?}" "${slow_text:?}"

prompt="Once upon a time"
reference=build/ports/text.txt # what the first native program of this run wrote

# in_place COMMAND...: where the port is compiled and run.
in_place() {
    if [[ $place == root ]]; then
        in_root CCACHE_DIR=/cache/ccache "$@"
    else
        "$@"
    fi
}

# Configures and builds the program with its library, and the CPU tests where they run.
build_port() {
    local tree=$PWD binary=$folder shaders=$PWD/build/shaders goals=(gyre_program) tests=OFF
    if [[ $place == root ]]; then
        tree=/tree binary=/cache/build/$port shaders=/cache/build/shaders
    fi
    if [[ " ${checks[*]} " == *tests* ]]; then
        goals+=(tests_cpu) tests=ON
    fi
    say "$port: configuring and building"
    quietly "$log/configure.log" in_place cmake -G Ninja -S "$tree" -B "$binary" -DCMAKE_BUILD_TYPE=MinSizeRel \
        -DGYRE_WERROR=ON -DGYRE_BUILD_TESTS=$tests -DGYRE_SHADER_DIR="$shaders" "${arguments[@]}" || return 1
    quietly "$log/build.log" in_place cmake --build "$binary" -j "$jobs" --target "${goals[@]}" -- -k 0
}

stripped_size() {
    "$strip" -o "$folder/stripped" "$(readlink -f "$folder/$library")" && stat -c %s "$folder/stripped"
}

# The text of the shipped model on lavapipe, which must be the one that the first native program wrote.
check_text() {
    local program=("$folder/bin/gyre") icds model=$PWD/models/gyre-books-5m.gguf
    icds=(/usr/share/vulkan/icd.d/lvp_icd*.json)
    case "$port" in
        windows) program=(xvfb-run -a tools/ports/wine "$folder/bin/gyre.exe") ;;
        debian13-*) program=(in_place VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json "/cache/build/$port/bin/gyre")
            model=/tree/models/gyre-books-5m.gguf ;;
    esac
    VK_DRIVER_FILES=${icds[0]} VK_ICD_FILENAMES=${icds[0]} XDG_CACHE_HOME=$PWD/$log/xdg "${program[@]}" run -m "$model" \
        -p "$prompt" -n 16 --temp 0 >"$log/text.txt" 2>"$log/text.log" || { ran+=("no text: $log/text.log"); return 1; }
    [[ -e $reference || $port == windows ]] || cp "$log/text.txt" "$reference"
    compare_text
}

# compare_text: $log/text.txt with the reference, which a native program writes now if none has before.
compare_text() {
    [[ -e $reference ]] || run_port gcc-12 # its row is not printed
    if ! cmp -s "$log/text.txt" "$reference"; then
        ran+=("another text than $reference: $log/text.txt")
        return 1
    fi
    ran+=("text as on Linux")
}

# check_tests [EXCEPT]: the tests that need no Vulkan, but those whose names a regular expression finds.
# spirv-val is a program of the build machine, which the tested programs cannot start.
check_tests() {
    local run=(ctest --test-dir "$folder" -j "$jobs" -L '^cpu$' -LE '^script$' --timeout 600) last
    [[ $port != windows ]] || run=(xvfb-run -a "${run[@]}")
    [[ -z ${1:-} ]] || run+=(-E "$1")
    VK_DRIVER_FILES=/nonexistent VK_ICD_FILENAMES=/nonexistent GTEST_FILTER='-*PassesSpirvVal*' \
        "${run[@]}" >"$log/tests.log" 2>&1 || true
    last=$(sed -n 's/^.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$log/tests.log")
    [[ $port != windows ]] || end_wine
    if [[ ! $last =~ ^0\ [1-9] ]]; then
        ran+=("CPU tests: ${last/ / of } failed ($log/tests.log)")
        return 1
    fi
    ran+=("CPU tests: ${last#0 }")
}

# The same text by an arm64 program on an arm64 driver, both emulated: minutes.
check_slow_text() {
    local driver=$cache/arm64-driver start=$SECONDS
    [[ $slow_text == yes ]] || return 0
    prepare_arm64_driver
    VK_DRIVER_FILES=$driver/vk_swiftshader_icd.json VK_ICD_FILENAMES=$driver/vk_swiftshader_icd.json \
        XDG_CACHE_HOME=$PWD/$log/xdg nice -n 19 qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$driver" \
        "$folder/bin/gyre" run -m models/gyre-books-5m.gguf -p "$prompt" -n 16 --temp 0 --tune off \
        >"$log/text.txt" 2>"$log/text.log" || { ran+=("no text: $log/text.log"); return 1; }
    compare_text && ran+=("on SwiftShader of Chromium $(<"$driver/VERSION") after $((SECONDS - start)) s")
}

# What begins with gyre_ is exactly the header's.
check_macos_exports() {
    cmake -DNM=llvm-nm-14 -DFORMAT=MACHO -DLIBRARY="$folder/$library" -DHEADERS=include/gyre \
        -P tests/abi/exported_symbols.cmake >"$log/exports.log" 2>&1 || { ran+=("wrong exports: $log/exports.log"); return 1; }
    ran+=("nothing; exports: $(<"$log/exports.log")")
}

# run_port PORT: builds, runs, and leaves one row of the table in build/ports/PORT/row.txt.
run_port() {
    local port=$1 folder=build/ports/$1 log=build/ports/$1 result="builds" size=- version ran=() start=$SECONDS
    local place compiler compiler_name="" library strip arguments prepare checks step
    describe "$port"
    mkdir -p "$log"
    [[ $place != root ]] || folder=$cache/build/$port
    for step in "${prepare[@]}"; do
        $step # words
    done
    version=$(in_place "$compiler" -dumpfullversion 2>/dev/null || in_place "$compiler" -dumpversion)
    if build_port; then
        size=$(stripped_size)
        for step in "${checks[@]}"; do
            say "$port: $step"
            $step || result="fails"
        done
    else
        result="does not build"
    fi
    printf '%s|%s|%s|%s|%s; %s s\n' "$port" "${compiler_name:-$compiler} $version" "$result" "$size" \
        "$(join_words "${ran[@]:-nothing}")" "$((SECONDS - start))" >"$log/row.txt"
    [[ $result == builds ]]
}

# join_words WORDS...: "a, b, c"
join_words() {
    local IFS=, all
    all=$*
    printf '%s' "${all//,/, }"
}
