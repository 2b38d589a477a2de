#!/bin/bash
# Functions that the product does not use: global in build/release/, gone from the linked binary (it is linked with --gc-sections).
# What nothing but tests calls is deleted; what only its own file calls is static, unless a test calls it, too. tests/lint/unused.allow
# names the exceptions with their reasons.
#
#   tests/lint/unused.sh     after `make`: one line for each, and exit status 1 when there is any
set -euo pipefail
cd "$(dirname "$0")/../.."

# Our files in place of libre's own must define all that those define.
replaced() { cat build/deps/include/re/*.h build/deps/include/re-private/*.h | grep -oE '\b[a-z][a-z0-9_]+ *\(' | tr -d ' (' | sort -u; }

objects() { find appliance -name '*.c' | sed 's|.*|build/release/&|; s|c$|o|'; }
defined() { objects | xargs nm -g --defined-only | awk '$2 == "T" { print $3 }' | sort -u; }

allowed() { sed -n 's/^\([a-z0-9_]*\):.*/\1/p' tests/lint/unused.allow | sort -u; }

bad=0
complain() { echo "$1"; bad=1; }

gone=$(comm -23 <(defined) <(nm build/dngate.debug | awk '{ print $3 }' | sort -u) | comm -23 - <(replaced))
for name in $(comm -23 <(echo "$gone") <(allowed)); do
    file=$(grep -rlE "^[a-z].*\b$name\(" appliance --include='*.c' | head -1)
    if [ "$(grep -cw "$name" "$file")" -lt 2 ] && ! grep -rqw "$name" appliance --include='*.c' --exclude="$(basename "$file")"; then
        complain "$file: $name() is called by nothing in the product"
    elif ! grep -rqw "$name" tests --include='*.[ch]'; then
        complain "$file: $name() is called by its own file only: make it static"
    fi
done
for name in $(comm -23 <(allowed) <(echo "$gone")); do complain "tests/lint/unused.allow: $name() is used, or is no more"; done
exit $bad
