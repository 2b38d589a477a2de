#!/bin/bash
# Prints the licence of dngate and of everything that is linked or bundled into its binary.
#
#   docker/licenses.sh DEPS BUNDLED     build/deps, and the notices of the scripts that admin-ui/build.mjs gathered
set -euo pipefail
deps=$1 bundled=$2
here=$(dirname "$0")

section() { printf '\n%s\n%s\n\n' "$1" "$(printf '%*s' ${#1} '' | tr ' ' =)"; }

echo "dngate, and what is linked or bundled into it: $(cut -d' ' -f1 "$deps/versions.txt" | xargs | sed 's/ /, /g'), glibc,"
echo "libgcc and the scripts of its pages. Its sources, and those of every library by docker/deps.sh, are free to all."

section dngate
cat "$here/../LICENSE"
while read -r name version _; do
    section "$name $version"
    cat "$deps/licenses/$name"
done <"$deps/versions.txt"
section "glibc $(dpkg-query -W -f '${Version}' libc6-dev)"
cat /usr/share/doc/libc6/copyright
section "GNU Lesser General Public License 2.1 (glibc)"
cat /usr/share/common-licenses/LGPL-2.1
section "libgcc $(gcc -dumpfullversion)"
echo "GPL 3 or later with the GCC Runtime Library Exception 3.1, which asks nothing of programs that GCC compiled."
section "Scripts of the pages"
cat "$bundled"
