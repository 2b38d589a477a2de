#!/bin/bash
# Checks the house rules that no compiler checks: includes against tests/lint/layers, banned functions, and the length
# of functions (more than 80 lines warns, more than 120 fails) and files (more than 600 lines warns).
set -euo pipefail
cd "$(dirname "$0")/../.."

for d in appliance/*/; do
    grep -q "^$(basename "$d"):" tests/lint/layers || { echo "$d: not in tests/lint/layers"; exit 1; }
done

find appliance -name '*.[ch]' | sort | xargs -r awk '
function complain(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }
function warn(line, what) { printf "%s:%d: warning: %s\n", FILENAME, line, what }

# Text without comments and the insides of string and character literals.
function code(s,    out, i, c, two, quote) {
    out = ""
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1); two = substr(s, i, 2)
        if (in_comment) { if (two == "*/") { in_comment = 0; i++ } continue }
        if (quote != "") { if (c == "\\") i++; else if (c == quote) { quote = ""; out = out c } continue }
        if (two == "/*") { in_comment = 1; i++; continue }
        if (two == "//") break
        if (c == "\"" || c == "\047") quote = c
        out = out c
    }
    return out
}

BEGIN {
    while ((getline line < "tests/lint/layers") > 0) {
        if (line ~ /^#/ || line ~ /^[ \t]*$/) continue
        if (line ~ /^@/) {                       # @ regular expression | folders
            split_at = match(line, / \| [a-z ]*$/)
            n++
            header[n] = substr(line, 2, split_at - 2); gsub(/[ \t]/, "", header[n])
            owners[n] = " " substr(line, split_at + 3) " "
        } else {
            folder = line; sub(/:.*/, "", folder)
            sub(/^[^:]*:/, "", line)
            uses[folder] = " " folder " " line " "
        }
    }
    banned = "(^|[^A-Za-z0-9_.>])(strcpy|strcat|strncpy|sprintf|vsprintf|gets|strtok|rand|srand|random|atoi|atol)[ \t]*\\("
}

function end_of_file() {
    if (file != "" && lines > 600) printf "%s: warning: %d lines\n", file, lines
}
FNR == 1 {
    end_of_file()
    file = FILENAME; in_comment = 0; start = 0
    m = split(FILENAME, part, "/")
    layer = m > 2 ? part[2] : ""
}
{ lines = FNR }

/^[ \t]*#[ \t]*include[ \t]*</ {
    name = $0; sub(/^[^<]*</, "", name); sub(/>.*/, "", name)
    for (i = 1; i <= n; i++)
        if (name ~ ("^(" header[i] ")$") && index(owners[i], " " layer " ") == 0)
            complain("<" name "> may be included only in:" owners[i])
    next
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    name = $0; sub(/^[^"]*"/, "", name); sub(/".*/, "", name)
    if (name == "version.h") next
    if (name !~ /\//) {
        if (layer != "") complain("write \"" layer "/" name "\": includes are relative to appliance/")
        next
    }
    other = name; sub(/\/.*/, "", other)
    if (!(other in uses)) complain("no folder " other " in tests/lint/layers")
    else if (layer != "" && index(uses[layer], " " other " ") == 0)
        complain(layer " must not include " name)
    next
}
{
    text = code($0)
    if (match(text, banned)) {
        name = substr(text, RSTART, RLENGTH); gsub(/[^a-z]/, "", name)
        complain(name "() is banned")
    }
}
/^\{/ { start = FNR }
/^\}/ {
    if (start) {
        len = FNR - start + 1
        if (len > 120) { printf "%s:%d: function of %d lines, at most 120\n", FILENAME, start, len; bad = 1 }
        else if (len > 80) warn(start, "function of " len " lines, more than 80")
    }
    start = 0
}
END { end_of_file(); exit bad }
'
