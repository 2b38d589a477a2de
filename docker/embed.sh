#!/bin/sh
# Prints a C file that holds texts:  docker/embed.sh HEADER NAME=FILE...   (const char *const NAME, see appliance/about.h)
set -eu
header=$1
shift
echo '/* Made by docker/embed.sh; do not edit. */'
echo "#include \"$header\""
for entry; do
    printf '\nconst char *const %s =\n' "${entry%%=*}"
    tr -d '\f\r' <"${entry#*=}" | sed -e 's/[\\"?]/\\&/g' -e 's/^/    "/' -e 's/$/\\n"/'
    echo '    ;'
done
