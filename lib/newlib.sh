#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Builds the image's C library from Debian's newlib-source with the host's gcc.
#
#   lib/newlib.sh key            prints the name under which a build is cached: the package's version
#                                and a sum of it, the compiler's version and this script
#   lib/newlib.sh build DIR      builds into DIR (DIR/include, DIR/lib/libc.a)
#
# DIR appears by one rename when everything is in it, so a half-built library is never taken for a
# whole one.
set -eu

GCC=${NEWLIB_GCC:-gcc}
FLAGS="-O2 -ffreestanding -fPIC -fshort-wchar -mno-red-zone -fno-stack-protector \
-fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fvisibility=hidden \
-ffunction-sections -fdata-sections"
# The sources are older than the diagnostics of gcc 14.
QUIET="-w -Wno-implicit-function-declaration -Wno-implicit-int -Wno-int-conversion"
OPTIONS="--disable-multilib --disable-nls --disable-newlib-supplied-syscalls
--enable-newlib-nano-malloc --enable-newlib-reent-small --enable-newlib-global-atexit
--enable-lite-exit --enable-newlib-io-long-long --enable-newlib-io-c99-formats
--disable-newlib-io-float --disable-newlib-wide-orient --disable-newlib-fseek-optimization
--disable-newlib-fvwrite-in-streamio --disable-newlib-unbuf-stream-opt"

package_version()
{
    dpkg-query -W -f '${Version}' newlib-source
}

key()
{
    version=$(package_version)
    sum=$({ echo "$version"; "$GCC" --version; cat "$0"; } | sha256sum)
    echo "$version-$(echo "$sum" | cut -c 1-12)" | tr -c 'A-Za-z0-9.\n-' -
}

# Unpacks, configures, builds and installs below $1.
build_in()
{
    mkdir "$1/source" "$1/build"
    tar -x -f "$(ls /usr/src/newlib/newlib-*.tar.*)" -C "$1/source" --strip-components=1
    cd "$1/build"
    # shellcheck disable=SC2086 # OPTIONS is a list of words
    "$1/source/configure" --target=x86_64-elf --prefix="$1/install" $OPTIONS \
        CC="$GCC" CC_FOR_TARGET="$GCC" AS_FOR_TARGET=as LD_FOR_TARGET=ld AR_FOR_TARGET=ar \
        NM_FOR_TARGET=nm RANLIB_FOR_TARGET=ranlib READELF_FOR_TARGET=readelf \
        OBJDUMP_FOR_TARGET=objdump STRIP_FOR_TARGET=strip CFLAGS_FOR_TARGET="$FLAGS $QUIET"
    unset MAKEFLAGS MFLAGS MAKELEVEL
    make -j "$(nproc)" MAKEINFO=true all-target-newlib
    make MAKEINFO=true install-target-newlib
    # The compiler's own is the one that fits the compiler.
    rm "$1/install/x86_64-elf/include/stdatomic.h"
}

build()
{
    target=$1
    parent=$(dirname "$target")
    mkdir -p "$parent"
    work=$(mktemp -d "$(cd "$parent" && pwd)/.build-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    if ! (build_in "$work") >"$parent/build.log" 2>&1; then
        tail -n 20 "$parent/build.log" >&2
        echo "newlib: the build failed; all of it is in $parent/build.log" >&2
        exit 1
    fi
    # Another build may have been faster.
    mv -T "$work/install/x86_64-elf" "$target" 2>/dev/null || [ -f "$target/lib/libc.a" ]
}

case "${1-} $#" in
'key 1') key ;;
'build 2') build "$2" ;;
*)
    echo "usage: $0 key | build DIR" >&2
    exit 2
    ;;
esac
