/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/options.h"

const struct boot_option_text boot_options[] = {
    {"bench", "1, pass", "Does what make bench measures."},
    {"console",
     "ttyS0 to ttyS3, uart8250,io,ADDRESS, uart8250,mmio,ADDRESS (also mmio16, mmio32), none",
     "The serial port, instead of the first that is found; with ,115200 behind it the speed is "
     "set."},
    {"dmaguard", "block, allow",
     "Whether a driver may let its device pass untranslated; block unless said."},
    {"earlycon", "as console", "Linux's word for console; console wins."},
    {"loglevel", "3 to 7", "What the console shows of the log; the report never depends on it."},
    {"nvme", "map, pool",
     "Whether the disk's driver maps memory for each transfer or reads to a pool that stays "
     "mapped."},
    {"panic", "halt, reboot:SECONDS, shell", "What follows a panic; halt unless said."},
    {"provoke", "trap, write, stack, double, nmi, machine-check, nested",
     "Ends in a panic on purpose, of this kind."},
    {"tests", "default, all", "The image's own tests: the quick ones, or all of them."},
    {NULL, NULL, NULL},
};
