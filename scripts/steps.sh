# Steps of a script that goes on after a failure and ends with a table; sourced, never run, with scripts/common.sh.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

steps_table=()
steps_failed=0

# step NAME COMMAND...: runs it; its last line of output is the step's result. Everything goes to $steps_logs/NAME.log.
step() {
    local name=$1 log begin=$SECONDS result verdict=ok
    shift
    log=${steps_logs:?a folder}/${name// /_}.log
    say "$name"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        verdict=FAILED
        steps_failed=$((steps_failed + 1))
        tail -n 40 "$log" >&2
    fi
    result=$(tail -n 1 "$log" | sed 's/\x1b\[[0-9;]*m//g') # Maven's colours
    steps_table+=("$(printf '%-6s  %4d s  %-34s  %s' "$verdict" $((SECONDS - begin)) "$name" "$result")")
    [[ $verdict == ok ]]
}

# print_steps: the table on stdout; fails if a step failed.
print_steps() {
    printf '%s\n' "${steps_table[@]}"
    [[ $steps_failed -eq 0 ]]
}
