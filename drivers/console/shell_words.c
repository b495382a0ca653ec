/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The arguments of commands: numbers, sizes, addresses of PCI functions. */
#include "drivers/console/shell.h"

#include <string.h>

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads digits up to the first character that is none. False: there is none, or they are too
 * many. */
static bool take_digits(const char **text, unsigned base, uint64_t limit, uint64_t *out)
{
    const char *at = *text;

    *out = 0;
    for (; digit_of(*at) >= 0 && (unsigned)digit_of(*at) < base; at++) {
        uint64_t digit = (uint64_t)digit_of(*at);

        if (digit > limit || *out > (limit - digit) / base)
            return false;
        *out = *out * base + digit;
    }
    bool any = at != *text;
    *text = at;
    return any;
}

static bool take_number(const char **text, uint64_t *out)
{
    bool hexadecimal = (*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X');

    *text += hexadecimal ? 2 : 0;
    return take_digits(text, hexadecimal ? 16 : 10, UINT64_MAX, out);
}

bool shell_number(struct shell *shell, const char *what, const char *text, uint64_t *out)
{
    const char *at = text;

    if (take_number(&at, out) && *at == '\0')
        return true;
    shell_printf(shell, "%s: '%s' is no number of 64 bits; 0x1f and 31 are.\n", what, text);
    return false;
}

bool shell_size(struct shell *shell, const char *what, const char *text, uint64_t *out)
{
    static const char suffixes[] = "kMG";
    const char *at = text;
    bool good = take_number(&at, out);

    if (good && *at != '\0') {
        const char *suffix = strchr(suffixes, *at == 'K' ? 'k' : *at);
        unsigned shift = suffix != NULL ? 10 * (unsigned)(suffix - suffixes + 1) : 0;

        good = suffix != NULL && at[1] == '\0' && *out <= UINT64_MAX >> shift;
        *out <<= shift;
    }
    if (!good)
        shell_printf(shell, "%s: '%s' is no size; 4096, 0x1000, 4k and 1M are.\n", what, text);
    return good;
}

static bool skip(const char **text, char c)
{
    if (**text != c)
        return false;
    ++*text;
    return true;
}

static bool take_bdf(const char *text, uint16_t *segment, pci_bdf_t *bdf)
{
    uint64_t first, bus, device, function;

    if (!take_digits(&text, 16, 0xFFFF, &first) || !skip(&text, ':') ||
        !take_digits(&text, 16, 0xFF, &bus))
        return false;
    *segment = 0;
    device = bus;
    if (skip(&text, ':')) {
        *segment = (uint16_t)first;
        if (!take_digits(&text, 16, 0x1F, &device))
            return false;
    } else {
        bus = first;
    }
    if (bus > 0xFF || device > 0x1F || !skip(&text, '.') || !take_digits(&text, 16, 7, &function))
        return false;
    *bdf = PCI_BDF(bus, device, function);
    return *text == '\0';
}

bool shell_bdf(struct shell *shell, const char *text, uint16_t *segment, pci_bdf_t *bdf)
{
    if (take_bdf(text, segment, bdf))
        return true;
    shell_printf(shell, "BDF: '%s' is none; 00:04.0 and 0001:00:1f.2 are (hexadecimal).\n", text);
    return false;
}

bool shell_function(struct shell *shell, const struct pci_inventory *pci, const char *text,
                    uint16_t *index)
{
    uint16_t segment;
    pci_bdf_t bdf;

    if (!shell_bdf(shell, text, &segment, &bdf))
        return false;
    *index = pci_find(pci, segment, bdf);
    if (*index != PCI_NONE)
        return true;
    shell_printf(shell, "BDF: there is no function %s; 'devs' lists those that there are.\n", text);
    return false;
}
