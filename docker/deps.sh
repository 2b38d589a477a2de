#!/bin/bash
# Builds every third-party library dngate links, as static archives, from Debian 13 source packages.
#
#   docker/deps.sh [LINK]     build if the cache lacks this recipe's result, then point LINK (build/deps) at it
#   docker/deps.sh --path     print where the result is or will be
#   docker/deps.sh --lock     write docker/sources.lock anew, from what Debian 13 and its security suite have today
#
# The result lives outside the tree, named by a hash of the recipe, so that `make clean` and a fresh clone are cheap:
#   ${DNGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dngate}/deps-HASH/{include,lib,src,licenses,versions.txt}
# mbedtls is the only TLS and crypto library; nothing here pulls in OpenSSL, zlib or libcap.
#
# What is built stands in docker/sources.lock: each file's path in the archive with its SHA-256, and Debian's patches that are applied.
# A file that is missing or another, and a patch that is missing or does not apply, end the build. A newer point release is
# `docker/deps.sh --lock`, which believes Debian's signatures only, and a look at the diff it makes.
#
# DNGATE_MIRROR=URL and DNGATE_SECURITY_MIRROR=URL name mirrors of Debian's archive and of its security archive; by default they are
# those that this machine's own apt uses, and the security archive beside the other when it uses none.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${DNGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dngate}
suite=trixie
lock=$here/sources.lock
packages=(mbedtls libwebsockets libre libsrtp2 opus sqlite3 yyjson argon2 coturn)
# Debian's patches that are taken besides those that name a CVE; other packages are built as upstream released them.
declare -A also=([mbedtls]='*gcc14*' [sqlite3]='41-*' [libwebsockets]='')
CC=${CC:-gcc}

recipe_hash() {
    { cat "$here/deps.sh" "$lock" "$here/deps-check.c"; "$CC" -dumpfullversion -dumpmachine; } |
        sha256sum | cut -c1-16
}

prefix=$cache/deps-$(recipe_hash)
locking="" link=""
case ${1:-} in
--path) echo "$prefix"; exit 0 ;;
--lock) locking=yes ;;
*) link=${1:+$(realpath -ms -- "$1")} ;;
esac

say() { echo "deps: $*" >&2; }

# Replaces LINK by a symbolic link to the finished prefix; the old link's readers never see it missing.
point_link() {
    [ -n "$link" ] || return 0
    if [ "$(readlink "$link" 2>/dev/null)" = "$prefix" ]; then return 0; fi
    mkdir -p "$(dirname "$link")"
    if [ -d "$link" ] && [ ! -L "$link" ]; then rm -rf "$link"; fi
    ln -s "$prefix" "$link.$$" && mv -Tf "$link.$$" "$link"
}

built() { [ -z "$locking" ] && [ -f "$prefix/versions.txt" ] && point_link; }
if built; then exit 0; fi

mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { say "another build is running, waiting for it"; flock 9; }
if built; then exit 0; fi

started=$SECONDS
work=$(mktemp -d "$cache/work.XXXXXX")
finish() {
    local rc=$?
    jobs -p | xargs -r kill 2>/dev/null || true
    if [ "$rc" -ne 0 ]; then say "failed; logs are in $work/log"; else rm -rf "$work"; fi
}
trap finish EXIT
mkdir -p "$work"/{src,log,apt} "$work"/out/{include,lib,licenses}
cd "$work"

# ---------------------------------------------------------------- sources

archives() { # RELEASE-PATTERN: the archives of such releases that this machine's apt uses
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk -v r="^($1)\$" '$2 ~ r && !seen[$1]++ { print $1 }'
}

# The Debian archive this machine's apt already trusts and reaches; security and updates archives lack trixie's main.
mirror() {
    local uri=${DNGATE_MIRROR:-}
    [ -n "$uri" ] || uri=$(archives 'trixie|bookworm|forky|sid|stable|oldstable|testing|unstable' | sed -n 1p)
    [ -n "$uri" ] || { say "no Debian archive among this machine's apt sources; set DNGATE_MIRROR=URL"; return 1; }
    echo "${uri%/}/"
}

security_mirror() {
    local uri=${DNGATE_SECURITY_MIRROR:-}
    [ -n "$uri" ] || [ -n "${DNGATE_MIRROR:-}" ] || uri=$(archives '.*-security' | sed -n 1p)
    [ -n "$uri" ] || uri=$(mirror | sed 's|/*$|-security|') || return
    echo "${uri%/}/"
}

# locked KIND PACKAGE: what the lock says of it: version, file (with its hash after it) or patch
locked() { awk -v k="$1" -v p="$2" '$1 == k && $2 == p { print $3 (NF > 3 ? " " $4 : "") }' "$lock"; }

# download PATH SHA256: by apt's own means, so that this machine's proxies and certificates count. The security archive keeps its pool
# in pool/updates; what it has comes to the other with the next point release, and the upstream archive may be in either.
download() {
    local path=${1/#pool\/updates\//pool/} url
    for url in "$main$path" "$security${path/#pool\//pool/updates/}"; do
        /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=3 download-file "$url" "src/${path##*/}" \
            "SHA256:$2" >>log/apt.log 2>&1 && return
    done
    return 1
}

fetch() {
    local p file sum
    main=$(mirror)
    security=$(security_mirror)
    for p in "${packages[@]}"; do
        [ -n "$(locked file "$p")" ] || { say "docker/sources.lock has no $p"; return 1; }
        while read -r file sum; do
            download "$file" "$sum" && continue
            tail -3 log/apt.log >&2
            say "cannot fetch $file as docker/sources.lock has it. When Debian has replaced it: docker/deps.sh --lock, and review the diff"
            return 1
        done < <(locked file "$p")
    done
}

# unpack PKG: the upstream archive and Debian's patches that the lock names. All of them, or the build ends.
unpack() {
    local p=$1 patch applied=""
    mkdir "$p"
    tar -xf "$(ls src/"$p"_*.orig.tar.*)" -C "$p" --strip-components=1
    if compgen -G "src/${p}_*.debian.tar.*" >/dev/null; then tar -xf src/"$p"_*.debian.tar.* -C "$p"; fi
    for patch in $(locked patch "$p"); do
        patch -d "$p" -p1 -s -f <"$p/debian/patches/$patch"
        applied+=" $patch"
    done
    echo "$p $(locked version "$p")${applied:+ patched:$applied}" >"log/$p.version"
}

# ---------------------------------------------------------------- the lock

# A private apt: own lists and state, an empty installed set, but this machine's proxy settings (apt.conf.d). It looks at the
# release, its updates and its security suite; one of them out of reach is an error, not an older answer.
private_apt() {
    local keyring
    main=$(mirror)
    security=$(security_mirror)
    for keyring in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do [ -f "$keyring" ] && break; done
    mkdir -p apt/state/lists/partial apt/cache/archives/partial
    : >apt/status
    printf 'deb-src [signed-by=%s] %s %s main\n' "$keyring" "$main" "$suite" "$keyring" "$main" "$suite-updates" \
        "$keyring" "$security" "$suite-security" >apt/sources.list
    cat >apt/apt.conf <<CONF
Dir::Etc::SourceList "$work/apt/sources.list";
Dir::Etc::SourceParts "-";
Dir::State "$work/apt/state";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Retries "3";
Acquire::Languages "none";
CONF
    export APT_CONFIG=$work/apt/apt.conf
    apt-get -q update >log/apt.log 2>&1 || { tail -5 log/apt.log >&2; say "apt-get update failed"; return 1; }
}

# newest PKG: "VERSION PATH SHA256" of each archive file of its highest version
newest() {
    local version best=""
    for version in $(apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p'); do
        if [ -z "$best" ] || dpkg --compare-versions "$version" gt "$best"; then best=$version; fi
    done
    [ -n "$best" ] || { say "Debian $suite has no $1"; return 1; }
    apt-cache showsrc --only-source "$1" | awk -v want="$best" '
        function flush(  i) { if (version == want) for (i = 1; i <= n; i++) print want, dir "/" file[i], sum[i]; n = 0 }
        /^Package:/ { flush() }
        /^Version:/ { version = $2 }
        /^Directory:/ { dir = $2 }
        /^[A-Za-z0-9-]+:/ { hashes = /^Checksums-Sha256/ }
        hashes && /^ / && $3 ~ /(\.orig|\.debian)\.tar\.[a-z0-9]+$/ { file[++n] = $3; sum[n] = $1 }
        END { flush() }' | awk '{ f = $2; sub(/.*\//, "", f) } !seen[f]++'
}

# Debian's own changes are looked at wherever the mirror has them. Without them a package that is patched cannot be locked.
lock_package() {
    local p=$1 version="" path sum name glob
    while read -r version path sum; do
        case $path in *.debian.tar.*)
            if ! download "$path" "$sum"; then
                [ -z "${also[$p]+set}" ] || { say "the mirror lacks Debian's patches for $p"; return 1; }
                say "note: the mirror has no Debian changes of $p $version; its upstream release is locked"
                echo "version $p ${version%-*}"
                continue
            fi
            mkdir -p "$p"
            tar -xf "src/${path##*/}" -C "$p"
            echo "version $p $version" ;;
        esac
        echo "file $p $path $sum"
    done < <(newest "$p")
    # shellcheck disable=SC2013
    for name in $(sed 's/#.*//' "$p/debian/patches/series" 2>/dev/null); do
        for glob in '*CVE*' ${also[$p]:-}; do
            # shellcheck disable=SC2053
            if [[ $name == $glob ]]; then echo "patch $p $name"; break; fi
        done
    done
}

write_lock() {
    local p
    private_apt
    {
        echo "# Written by docker/deps.sh --lock: what is built, and the SHA-256 of each source file."
        for p in "${packages[@]}"; do lock_package "$p" || return; done
    } >sources.lock
    cp sources.lock "$lock"
    say "docker/sources.lock written; review it: git diff docker/sources.lock"
}

# ---------------------------------------------------------------- flags

export SOURCE_DATE_EPOCH=1735689600 LC_ALL=C TZ=UTC
export CFLAGS="-O2 -g0 -fPIC -fno-semantic-interposition -ffunction-sections -fdata-sections"
CFLAGS+=" -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$work=."
export ARFLAGS=rcsD
jobs=$(nproc)
out=$work/out

cm() { # cm SOURCE-DIR OPTION...: configure, build and install into $out
    local dir=$1
    shift
    cmake -S "$dir" -B "$dir/b" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE="-O3 -DNDEBUG" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_ARCHIVE_CREATE="<CMAKE_AR> qcD <TARGET> <LINK_FLAGS> <OBJECTS>" \
        -DCMAKE_C_ARCHIVE_FINISH="<CMAKE_RANLIB> -D <TARGET>" -DCMAKE_INSTALL_PREFIX=/usr \
        -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON "$@"
    cmake --build "$dir/b" -j"$jobs"
    DESTDIR=$work/inst-$dir cmake --install "$dir/b"
    cp -a "$work/inst-$dir/usr/include/." "$out/include/"
    cp -a "$work/inst-$dir/usr/lib/"*.a "$out/lib/"
}

# cc_lib NAME FLAGS SOURCE...: compile a handful of files into $out/lib/libNAME.a
cc_lib() {
    local name=$1 flags=$2 src
    shift 2
    mkdir -p "obj-$name"
    for src in "$@"; do
        # shellcheck disable=SC2086
        "$CC" $CFLAGS $flags -c "$src" -o "obj-$name/$(basename "$src" .c).o"
    done
    ar rcsD "$out/lib/lib$name.a" "obj-$name"/*.o
}

# ---------------------------------------------------------------- the libraries

build_yyjson() {
    unpack yyjson
    cc_lib yyjson -O3 yyjson/src/yyjson.c
    cp yyjson/src/yyjson.h "$out/include/"
    cp yyjson/LICENSE "$out/licenses/yyjson"
}

build_argon2() { # no threads: a lane per thread would start them behind our back
    local opt=ref
    case $("$CC" -dumpmachine) in x86_64-*) opt=opt ;; esac
    unpack argon2
    cc_lib argon2 "-O3 -DARGON2_NO_THREADS -Iargon2/include -Iargon2/src" \
        argon2/src/{argon2,core,encoding,$opt}.c argon2/src/blake2/blake2b.c
    cp argon2/include/argon2.h "$out/include/"
    cp argon2/LICENSE "$out/licenses/argon2"
}

build_sqlite3() {
    unpack sqlite3
    (cd sqlite3 && ./configure --disable-tcl --disable-readline && make sqlite3.c)
    cc_lib sqlite3 "-DSQLITE_THREADSAFE=2 -DSQLITE_DQS=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_DEFAULT_MEMSTATUS=0
        -DSQLITE_DEFAULT_WAL_SYNCHRONOUS=1 -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_MAX_EXPR_DEPTH=100
        -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_USE_ALLOCA -DSQLITE_TEMP_STORE=2
        -DHAVE_USLEEP=1 -DHAVE_FDATASYNC=1 -DHAVE_GMTIME_R=1 -DHAVE_LOCALTIME_R=1" sqlite3/sqlite3.c
    cp sqlite3/sqlite3.h "$out/include/"
    cp sqlite3/LICENSE.md "$out/licenses/sqlite3"
}

build_libre() { # RELEASE: without it every allocation takes a global mutex
    local none
    unpack libre
    none=$(printf '%s= ' USE_OPENSSL{,_DTLS,_SRTP,_AES,_HMAC} USE_TLS USE_DTLS USE_DTLS_SRTP USE_ZLIB)
    # shellcheck disable=SC2086
    make -C libre -j"$jobs" libre.a RELEASE=1 $none CC="$CC" AFLAGS=crD EXTRA_CFLAGS="$CFLAGS -w -D_GNU_SOURCE"
    # Our own SIP transport replaces sip/transp.c; the stock one is kept apart, for programs without ours.
    ar dD libre/libre.a transp.o
    cp libre/libre.a "$out/lib/"
    ar rcsD "$out/lib/libre-transp.a" libre/build-*/sip/transp.o
    mkdir -p "$out/include/re" "$out/include/re-private"
    cp libre/include/*.h "$out/include/re/"
    cp libre/src/sip/sip.h "$out/include/re-private/"
    cp libre/docs/COPYING "$out/licenses/libre"
}

build_opus() {
    unpack opus
    cm opus -DOPUS_BUILD_TESTING=OFF -DOPUS_BUILD_PROGRAMS=OFF -DOPUS_FIXED_POINT=OFF -DOPUS_DRED=OFF \
        -DOPUS_OSCE=OFF -DOPUS_DISABLE_INTRINSICS=OFF -DOPUS_STACK_PROTECTOR=OFF -DOPUS_FORTIFY_SOURCE=OFF
    cp opus/COPYING "$out/licenses/opus"
}

build_mbedtls() { # the header itself is edited: a config of ours elsewhere would give dependents another ABI
    local o
    unpack mbedtls
    for o in SSL_DTLS_SRTP THREADING_C THREADING_PTHREAD ECDH_VARIANT_EVEREST_ENABLED; do
        perl -pi -e "s{^//\\s*(#define MBEDTLS_$o)\\b}{\$1}" mbedtls/include/mbedtls/mbedtls_config.h
        grep -q "^#define MBEDTLS_$o\$" mbedtls/include/mbedtls/mbedtls_config.h
    done
    for o in SSL_RENEGOTIATION SELF_TEST; do
        perl -pi -e "s{^(#define MBEDTLS_$o)\$}{//\$1}" mbedtls/include/mbedtls/mbedtls_config.h
    done
    cm mbedtls -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DGEN_FILES=OFF -DMBEDTLS_FATAL_WARNINGS=OFF \
        -DUSE_STATIC_MBEDTLS_LIBRARY=ON -DUSE_SHARED_MBEDTLS_LIBRARY=OFF
    # Everest is built as a library of its own; dependents should need to know only three.
    printf 'open %s\naddlib %s\naddlib %s\nsave\nend\n' "$out/lib/libmbedcrypto.a" "$out/lib/libeverest.a" \
        "$out/lib/libp256m.a" | ar -M
    ranlib -D "$out/lib/libmbedcrypto.a"
    rm "$out/lib/libeverest.a" "$out/lib/libp256m.a"
    cp mbedtls/LICENSE "$out/licenses/mbedtls"
}

with_mbedtls() {
    echo "-DMBEDTLS_INCLUDE_DIRS=$out/include -DMBEDTLS_LIBRARY=$out/lib/libmbedtls.a"
    echo "-DMBEDX509_LIBRARY=$out/lib/libmbedx509.a -DMBEDCRYPTO_LIBRARY=$out/lib/libmbedcrypto.a"
}

build_libsrtp2() {
    unpack libsrtp2
    # shellcheck disable=SC2046
    cm libsrtp2 -DENABLE_MBEDTLS=ON -DLIBSRTP_TEST_APPS=OFF -DENABLE_WARNINGS_AS_ERRORS=OFF $(with_mbedtls)
    cp libsrtp2/LICENSE "$out/licenses/libsrtp2"
}

build_libwebsockets() {
    local on off
    unpack libwebsockets
    on=$(printf -- '-D%s=ON ' LWS_IPV6 LWS_WITH_STATIC LWS_STATIC_PIC LWS_ROLE_H1 \
        LWS_ROLE_WS LWS_ROLE_RAW_FILE LWS_WITH_CUSTOM_HEADERS LWS_WITH_HTTP_UNCOMMON_HEADERS LWS_WITH_FILE_OPS \
        LWS_WITHOUT_CLIENT LWS_WITHOUT_TESTAPPS LWS_WITHOUT_EXTENSIONS LWS_WITHOUT_DAEMONIZE LWS_REPRODUCIBLE \
        DISABLE_WERROR LWS_UNIX_SOCK)
    off=$(printf -- '-D%s=OFF ' LWS_WITH_SSL LWS_WITH_SHARED LWS_WITH_HTTP2 LWS_WITH_ZLIB LWS_WITH_HTTP_STREAM_COMPRESSION \
        LWS_WITH_THREADPOOL LWS_WITH_ACCESS_LOG LWS_WITH_SYS_SMD LWS_WITH_LEJP LWS_WITH_LEJP_CONF LWS_WITH_DIR \
        LWS_WITH_LWSAC LWS_WITH_NETLINK LWS_WITH_CONMON LWS_WITH_HTTP_BASIC_AUTH LWS_WITH_TLS_SESSIONS \
        LWS_WITH_CACHE_NSCOOKIEJAR LWS_WITH_SERVER_STATUS LWS_WITH_EVLIB_PLUGINS LWS_LOG_TAG_LIFECYCLE \
        LWS_WITH_EXPORT_LWSTARGETS LWS_WITH_LIBCAP LWS_LOGS_TIMESTAMP LWS_WITH_PLUGINS LWS_WITH_SPAWN)
    # shellcheck disable=SC2086
    cm libwebsockets $on $off -DLWS_MAX_SMP=1
    cp libwebsockets/LICENSE "$out/licenses/libwebsockets"
}

# The message codec alone, and as source: it reads what strangers send, so that the Makefile compiles it like a file of ours, with the
# sanitizers where they are on. Its OAuth tokens and password hashes are left out: nothing of ours calls them, and they want ciphers.
build_coturn() {
    unpack coturn
    mkdir -p "$out/include/coturn" "$out/src/coturn"
    perl -0777 -pi -e 's{^long turn_random\(void\).*?(?=^static uint32_t ns_crc32\()}{}ms or die "hashes"; s{^/\* OAUTH \*/.*}{}ms or die "OAuth"' \
        coturn/src/client/ns_turn_msg.c
    cp coturn/src/ns_turn_defs.h coturn/src/client/*.h "$out/include/coturn/"
    cp coturn/src/client/*.c "$out/src/coturn/"
    cp coturn/LICENSE "$out/licenses/coturn"
}

# lane NAME...: builds one after the other, each into its own log. Two lanes keep two processors busy through
# the configure steps. (A plain function call under || would lose set -e, hence the subshells.)
lane() {
    local p
    for p in "$@"; do
        (set -e; "build_$p") >"log/$p.log" 2>&1 9>&-
        say "$p done ($((SECONDS - started)) s)"
    done
}

# ---------------------------------------------------------------- go

if [ -n "$locking" ]; then write_lock; exit 0; fi
say "building into $prefix"
fetch
(set -e; lane mbedtls libsrtp2 libwebsockets) & a=$!
(set -e; lane yyjson argon2 coturn sqlite3 libre opus) & b=$!
failed=0
wait $a || failed=1
wait $b || failed=1
if [ $failed -ne 0 ]; then
    for p in "${packages[@]}"; do
        [ -f "$out/licenses/$p" ] || { [ -f "log/$p.log" ] && { say "--- $p"; tail -15 "log/$p.log" >&2; }; }
    done
    exit 1
fi
rm -rf "$out"/lib/{cmake,pkgconfig}

# Each library must link and run in a static-pie executable, the way dngate itself is linked.
"$CC" -O1 -static-pie -fPIE -D_GNU_SOURCE -DRELEASE -DHAVE_INTTYPES_H -DHAVE_STDBOOL_H -DHAVE_INET6 -w \
    -isystem "$out/include" -isystem "$out/include/re" "$here/deps-check.c" -o check -L"$out/lib" -lwebsockets -lre -lre-transp -lre \
    -lsrtp2 -lmbedtls -lmbedx509 -lmbedcrypto -lopus -lsqlite3 -lyyjson -largon2 -lm -lpthread >log/check.log 2>&1 ||
    { cat log/check.log >&2; say "the libraries do not link"; exit 1; }
./check

for p in "${packages[@]}"; do cat "log/$p.version"; done >"$out/versions.txt"
if grep -rlF "$work" "$out" >&2; then say "the result names its build directory"; exit 1; fi
mv -T "$out" "$prefix"
point_link
say "ready after $((SECONDS - started)) s: $prefix"
