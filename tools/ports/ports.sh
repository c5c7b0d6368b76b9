# What each port of scripts/ports is: how it is got ready, compiled, and what of it runs here. Sourced.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # scripts/ports and run_port read what is set here

: "${cache:?}" "${zig_version:?}"

# Native ones first: what they write is what the others must write.
all_ports=(gcc-12 clang-14 clang-16 clang-19 libc++-14 debian13-gcc-14 debian13-clang-19 debian13-libc++-19
    arm64 armhf musl macos-arm64 windows)
ci_ports=(libc++-14 windows arm64)

# describe PORT: sets what run_port (tools/ports/check.sh) needs.
#   place      host, or root: inside the Debian 13 root
#   compiler   the program that says its version; compiler_name, where that is not its name
#   arguments  of CMake
#   prepare    commands that get things ready
#   checks     functions that run something of it
#   library    the shared library, in the build folder; strip: the program that strips it
describe() {
    local bundled=(-DGYRE_BUNDLED_DEPS_DIR="$cache/sources" -DGYRE_GTEST_DIR=/usr/src/googletest)
    place=host prepare=("scripts/setup run") arguments=() checks=() strip=strip library=lib/libgyre.so
    case "$1" in
        gcc-12) native gcc-12 g++-12 g++-12 ;;
        clang-*) native "$1" "clang++${1#clang}" "$1" ;;
        libc++-14)
            native clang-14 clang++-14 clang-14 libc++-14-dev libc++abi-14-dev googletest
            arguments+=(-DCMAKE_CXX_FLAGS=-stdlib=libc++ -DGYRE_GTEST_DIR=/usr/src/googletest)
            checks+=(check_tests) ;;
        debian13-gcc-14) in_debian13 gcc-14 g++-14 ;;
        debian13-clang-19) in_debian13 clang-19 clang++-19 ;;
        debian13-libc++-19)
            in_debian13 clang-19 clang++-19
            arguments+=(-DCMAKE_CXX_FLAGS=-stdlib=libc++) ;;
        arm64)
            cross linux-aarch64 aarch64-linux-gnu-g++ "qemu-aarch64;-L;/usr/aarch64-linux-gnu" \
                g++-aarch64-linux-gnu qemu-user
            checks=(check_tests check_slow_text) ;;
        armhf)
            cross linux-armhf arm-linux-gnueabihf-g++ "qemu-arm;-L;/usr/arm-linux-gnueabihf" \
                g++-arm-linux-gnueabihf qemu-user
            checks=(check_tests) ;;
        musl)
            zig x86_64-linux-musl Linux x86_64 musl
            checks=(check_tests) ;;
        macos-arm64)
            zig aarch64-macos Darwin arm64 llvm-14
            library=lib/libgyre.dylib strip=llvm-strip-14 checks=(check_macos_exports) ;;
        windows)
            cross mingw-x86_64 x86_64-w64-mingw32-g++-posix "$PWD/tools/ports/wine" \
                g++-mingw-w64-x86-64-posix wine64 xvfb xauth
            library=bin/gyre.dll prepare+=(prepare_wine) checks=(check_text check_tests) ;;
    esac
    if [[ " ${checks[*]} " == *tests* ]]; then
        prepare+=("scripts/setup test" "scripts/fetch-gpt2-vocab build/gpt2-vocab")
    fi
}

# native CC CXX PACKAGE...
native() {
    compiler=$2 checks=(check_text)
    prepare+=("scripts/setup packages ${*:3}")
    arguments+=(-DCMAKE_C_COMPILER="$1" -DCMAKE_CXX_COMPILER="$2")
}

in_debian13() {
    place=root compiler=$2 checks=(check_text) prepare=(prepare_root)
    arguments+=(-DCMAKE_C_COMPILER="$1" -DCMAKE_CXX_COMPILER="$2")
}

# cross TOOLCHAIN CXX EMULATOR PACKAGE...: TOOLCHAIN as in cmake/toolchains
cross() {
    compiler=$2 strip=${2%-g++*}-strip
    prepare+=("scripts/setup packages googletest ${*:4}" prepare_sources)
    arguments+=(-DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/toolchains/$1.cmake" "${bundled[@]}" -DCMAKE_CROSSCOMPILING_EMULATOR="$3")
}

# zig TARGET SYSTEM PROCESSOR PACKAGE...
zig() {
    local tools=$cache/zig-$1
    compiler=$tools/c++ compiler_name="zig $zig_version, clang"
    prepare+=("scripts/setup packages googletest python3-venv ${*:4}" prepare_sources "prepare_zig $1")
    arguments+=("${bundled[@]}" -DCMAKE_SYSTEM_NAME="$2" -DCMAKE_SYSTEM_VERSION=20 -DCMAKE_SYSTEM_PROCESSOR="$3"
        -DCMAKE_C_COMPILER="$tools/cc" -DCMAKE_CXX_COMPILER="$tools/c++" -DCMAKE_AR="$tools/ar" -DCMAKE_RANLIB="$tools/ranlib")
}
