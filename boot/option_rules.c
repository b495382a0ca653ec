/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/options.h"

#include "lib/log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct option_rule rules[] = {
    {"bench", NULL, "off", "count instructions at markers, for make bench"},
    {"console", NULL, "found",
     "the serial port: ttyS0, uart8250,io,0x3f8, uart8250,mmio32,ADDRESS, "
     "none; \",115200\" behind it sets the speed"},
    {"disks", "read|skip", "read", "read each disk whole, for its sum, or nothing of it"},
    {"dmaguard", "block|allow", "block",
     "whether a driver may let its device pass untranslated to all memory"},
    {"earlycon", NULL, "not given", "Linux's word for console=, which wins"},
    {"loglevel", "3-7", "6", "what the console shows: 3 errors, 4 warnings, 5 notices, 6, 7 all"},
    {"mode", "takeover|inspect", "a menu asks",
     "take the machine and prove the refusals, or only look and go back to firmware"},
    {"nvme", "map|pool", "map", "map memory for each transfer of a disk, or keep a pool mapped"},
    {"panic", "halt|reboot:0-3600|shell", "halt", "what follows a panic"},
    {"provoke", "trap|write|stack|double|nmi|machine-check|nested|locked", "nothing",
     "end in a panic of this kind, on purpose"},
    {"shell", "on|off", "on", "whether a person can go on at the console after the report"},
    {"tests", "default|all", "default", "the default tests, or the longer ones too"},
    {"timeout", "0-240", "5", "seconds for which the menu waits; then it inspects"},
};

const struct option_rule *option_rule(unsigned n)
{
    return n < sizeof rules / sizeof *rules ? &rules[n] : NULL;
}

static const struct option_rule *rule_of(const char *word)
{
    size_t length = strcspn(word, "=");

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strlen(rules[i].name) == length && !strncmp(word, rules[i].name, length))
            return &rules[i];
    return NULL;
}

/* A decimal number and nothing else. */
static bool number(const char *text, unsigned long *value)
{
    char *end;

    *value = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !*end;
}

static bool in_range(const char *range, const char *text, unsigned long *value)
{
    unsigned long first = strtoul(range, NULL, 10),
                  last = strtoul(strchr(range, '-') + 1, NULL, 10);

    return number(text, value) && *value >= first && *value <= last;
}

static bool is_word_of(const char *words, const char *text)
{
    for (size_t length; *words; words += length + (words[length] == '|')) {
        size_t prefix = strcspn(words, ":");
        unsigned long value;

        length = strcspn(words, "|");
        if (prefix < length && !strncmp(words, text, prefix + 1) &&
            in_range(words + prefix + 1, text + prefix + 1, &value))
            return true;
        if (strlen(text) == length && !strncmp(words, text, length))
            return true;
    }
    return false;
}

static bool takes(const struct option_rule *rule, const char *text)
{
    unsigned long value;

    if (!rule->values)
        return true;
    return strchr(rule->values, '|') ? is_word_of(rule->values, text)
                                     : in_range(rule->values, text, &value);
}

/* The Shell's command line begins with the image. */
static bool is_image_name(const char *word)
{
    size_t length = strlen(word);

    return length >= 4 && strcasecmp(word + length - 4, ".efi") == 0;
}

void options_check(const struct boot_info *info)
{
    for (const char *word = info->options; *word; word += strlen(word) + 1) {
        const struct option_rule *rule = rule_of(word);
        const char *value = word + strcspn(word, "=");

        if (is_image_name(word))
            continue;
        if (!rule)
            log_write(LOG_WARNING, "boot", "option %s is unknown", word);
        else if (!takes(rule, value + (*value == '=')))
            log_write(LOG_WARNING, "boot", "option %s is not taken, its values are %s", word,
                      rule->values);
    }
}

const char *boot_value(const struct boot_info *info, const char *name)
{
    const struct option_rule *rule = rule_of(name);
    const char *text = boot_option(info, name);

    return text && takes(rule, text) ? text : rule->standard;
}

unsigned boot_number(const struct boot_info *info, const char *name)
{
    return (unsigned)strtoul(boot_value(info, name), NULL, 10);
}
