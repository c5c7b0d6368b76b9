# What fish completes after gyre. The program itself says what there is, by its --help.
# SPDX-License-Identifier: Apache-2.0

function __gyre_commands
    gyre --help 2>/dev/null | awk '
        tolower($0) ~ /^subcommands:/ {inside = 1}
        inside && /^  [a-z]/ {name = $1; $1 = ""; print name "\t" substr($0, 2)}'
end

function __gyre_options
    set -l words (commandline -opc)
    gyre $words[2] --help 2>/dev/null | awk '/^  -/ {n = split($1, names, ","); words = substr($0, 31)
        if (substr($0, 30, 1) != " ") {getline words; sub(/^ +/, "", words)}
        for (i = 1; i <= n; i++) print names[i] "\t" words}'
end

# The values in braces of the option before the cursor.
function __gyre_values
    set -l words (commandline -opc)
    gyre $words[2] --help 2>/dev/null | awk -v option=$words[-1] '/^  -/ {n = split($1, names, ",")
        for (i = 1; i <= n; i++) if (names[i] == option && match($0, /{[^}]*}/)) {
            gsub(",", "\n"); print substr($0, RSTART + 1, RLENGTH - 2)}}'
end

complete -c gyre -f -n 'test (count (commandline -opc)) -eq 1' -a '(__gyre_commands)'
complete -c gyre -n 'test (count (commandline -opc)) -gt 1; and string match -q -- "-*" (commandline -ct)' -a '(__gyre_options)'
complete -c gyre -f -n 'test (count (commandline -opc)) -gt 1; and count (__gyre_values) >/dev/null' -a '(__gyre_values)'
