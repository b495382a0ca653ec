/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What revocation by generation needs to know (shim, SBAT.md): a row for the format, a row for the
 * image. The generation of a component rises when all images before it must no longer start under
 * Secure Boot. linker/pe.py checks the rows.
 */
#include "version.h"

__attribute__((section(".sbat"), used)) static const char sbat[] =
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
    "bulkhead,1,Bulkhead,bulkhead," BULKHEAD_VERSION ",see README.TXT\n";
