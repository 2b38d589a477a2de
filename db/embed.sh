#!/bin/sh
# Turns db/schema.sql and db/migrations/*.sql into a C file for appliance/store/schema.h:  db/embed.sh OUT.c
# Comments and empty lines are left out; so no string literal in these files may hold two dashes.
set -eu

here=$(dirname "$0")
out=$1

literal() { # an SQL file as the lines of a C string
    sed -e 's/[[:space:]]*--.*$//' -e '/^[[:space:]]*$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"
}

mkdir -p "$(dirname "$out")"
{
    echo '/* Made by db/embed.sh from db/schema.sql and db/migrations; do not edit. */'
    echo '#include "store/schema.h"'
    echo
    echo 'const char *const store_schema_sql ='
    literal "$here/schema.sql"
    echo '    ;'
    echo
    echo 'const struct store_migration store_migrations[] = {'
    count=0
    for file in "$here"/migrations/[0-9][0-9][0-9]-*.sql; do
        name=$(basename "$file" .sql)
        count=$((count + 1))
        if [ "${name%%-*}" != "$(printf %03d $count)" ]; then
            echo "embed.sh: $file: expected number $(printf %03d $count)" >&2
            exit 1
        fi
        echo "    {$count, \"$name\","
        literal "$file"
        echo '    },'
    done
    echo '};'
    echo
    echo "const size_t store_migration_count = $count;"
} >"$out.tmp"
mv "$out.tmp" "$out"
