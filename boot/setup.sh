#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
#   boot/setup.sh OUTPUT GROUP...
#
# Sees to it that the packages of the groups in boot/packages.txt are installed, then writes to
# OUTPUT, for make, where they keep what the image is built from. Needs sh and dpkg alone.
set -eu

here=$(dirname "$0")

packages_of()
{
    while read -r group package; do
        case " $* " in
        *" $group "*) echo "$package" ;;
        esac
    done <"$here/packages.txt"
}

missing_of()
{
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=absent
        [ "$state" = installed ] || echo "$package"
    done
}

install()
{
    update='apt-get update'
    install="apt-get install --yes --no-install-recommends $*"
    if [ "$(id -u)" -eq 0 ]; then
        sudo=
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo=sudo
    else
        printf 'Packages are missing. As root, type:\n\n    %s && %s\n\n' "$update" "$install" >&2
        exit 1
    fi
    echo "Installing: $*"
    # shellcheck disable=SC2086 # both are command lines
    $sudo $update && $sudo env DEBIAN_FRONTEND=noninteractive $install || {
        printf 'The packages could not be installed. The line was:\n\n    %s && %s\n\n' \
            "$update" "$install" >&2
        exit 1
    }
}

# The file of gnu-efi for this processor whose name ends in $1.
gnu_efi_file()
{
    found=$(dpkg -L gnu-efi | grep -- "/$1\$" | grep -v -e aarch64 -e arm -e i386 -e ia32 |
        head -n 1)
    [ -n "$found" ] || {
        echo "gnu-efi is installed but has no $1" >&2
        exit 1
    }
    echo "$found"
}

facts()
{
    header=$(gnu_efi_file efi.h)
    crt0=$(gnu_efi_file crt0-efi-x86_64.o)
    library=$(gnu_efi_file libgnuefi.a)
    newlib=$("$here/../lib/newlib.sh" key)
    echo "GNU_EFI_INCLUDE := ${header%/efi.h}"
    echo "GNU_EFI_CRT0 := $crt0"
    echo "GNU_EFI_LIBRARY := $library"
    echo "NEWLIB_KEY := $newlib"
}

output=$1
shift
# shellcheck disable=SC2046 # package names hold no spaces
missing=$(missing_of $(packages_of "$@"))
# shellcheck disable=SC2086
[ -z "$missing" ] || install $missing
facts=$(facts)
if ! [ -f "$output" ] || [ "$(cat "$output")" != "$facts" ]; then
    mkdir -p "$(dirname "$output")"
    echo "$facts" >"$output.new"
    mv "$output.new" "$output"
fi
