# What bash completes after gyre. The program itself says what there is, by its --help.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

_gyre() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} help line words=""
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 ]]; then
        words=$("$program" --help 2>/dev/null | awk '
            tolower($0) ~ /^subcommands:/ {inside = 1}
            inside && /^  [a-z]/ || /^  -/ {gsub(",", " ", $1); print $1}')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    help=$("$program" "$command" --help 2>/dev/null) || return
    # The line of the option before the cursor: its values in braces, or a file.
    line=$(awk -v option="$before" '/^  -/ {n = split($1, names, ",")
        for (i = 1; i <= n; i++) if (names[i] == option) print}' <<<"$help")
    if [[ $line == *"{"*"}"* ]]; then
        words=${line#*\{}
        words=${words%%\}*}
        mapfile -t COMPREPLY < <(compgen -W "${words//,/ }" -- "$word")
    elif [[ $line == *" FILE"* || $line == *"[FILE]"* || ($word != -* && -z $line) ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    elif [[ $word == -* ]]; then
        words=$(awk '/^  -/ {gsub(",", " ", $1); print $1}' <<<"$help")
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    fi
}
complete -F _gyre gyre
