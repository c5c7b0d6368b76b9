# Shell functions that the scripts share; sourced, never run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Clones of the tree share what ccache holds, wherever they lie.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# say WORDS...: one line of progress on stderr. SCRIPT is the caller's name, set before sourcing.
say() { printf '%s: %s\n' "${SCRIPT:?}" "$*" >&2; }
die() { say "$@"; exit 1; }

# quietly LOG COMMAND...: output goes to LOG; only on failure are its last lines shown on stderr.
quietly() {
    local log=$1
    shift
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 60 "$log" >&2
        say "failed: $* (all of the output: $log)"
        return 1
    fi
}

# build NAME PRESET GOALS [CMAKE_ARGUMENT...]: configures and builds in build/NAME; GOALS is a list of
# words, "all" for everything. On a terminal ninja's own progress line is seen. GYRE_WERROR=ON in the environment makes
# warnings errors, in every folder alike, so that folders of one preset share what ccache holds.
build() {
    local dir=build/$1 preset=$2 goals
    read -ra goals <<<"$3"
    shift 3
    mkdir -p "$dir"
    say "configuring and building $dir"
    quietly "$dir/configure.log" cmake --preset "$preset" -B "$dir" -DGYRE_WERROR="${GYRE_WERROR:-OFF}" "$@" || return 1
    if [[ -t 2 ]]; then
        cmake --build "$dir" --target "${goals[@]}" >&2
    else
        quietly "$dir/build.log" cmake --build "$dir" --target "${goals[@]}"
    fi
}
