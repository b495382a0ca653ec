/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Firmware's console: the menu. UEFI specification, "Simple Text Input Protocol", "Simple Text
 * Output Protocol", "Event, Timer, and Task Priority Services".
 */
#include "boot/efi.h"
#include "boot/options.h"
#include "version.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECOND_100NS UINT64_C(10000000)
#define PERSON_S     60u /* once a key was pressed; noise on a serial line cannot hold the machine */
#define PRINT_MAX    128u
#define ESCAPE       0x1B
#define ALONE_US     300000u

static const struct {
    char key;
    enum efi_mode mode;
    const char *text;
} choices[] = {
    {'i', EFI_INSPECT, "inspect: change nothing, write a report, go back to firmware"},
    {'t', EFI_TAKEOVER, "take the machine over, prove what is refused"},
    {'q', EFI_LEAVE, "go back to firmware"},
};

void efi_print(const struct efi_stage *stage, const char *text, size_t length)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = stage->system->ConOut;
    CHAR16 wide[PRINT_MAX + 2];
    size_t count = 0;

    for (size_t i = 0; out && i < length; i++) {
        if (text[i] == '\n')
            wide[count++] = L'\r';
        wide[count++] = (CHAR16)(unsigned char)text[i];
        if (count < PRINT_MAX && i + 1 < length)
            continue;
        wide[count] = 0;
        out->OutputString(out, wide);
        count = 0;
    }
}

__attribute__((format(printf, 2, 3))) static void print(const struct efi_stage *stage,
                                                        const char *format, ...)
{
    char text[PRINT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    efi_print(stage, text, strlen(text));
}

/* The next key, lower case; 0: none is waiting. */
static char read_key(const struct efi_stage *stage)
{
    SIMPLE_INPUT_INTERFACE *in = stage->system->ConIn;
    EFI_INPUT_KEY key;

    if (in->ReadKeyStroke(in, &key) != EFI_SUCCESS)
        return 0;
    if (key.ScanCode == SCAN_ESC)
        return ESCAPE;
    if (key.UnicodeChar >= L'A' && key.UnicodeChar <= L'Z')
        return (char)(key.UnicodeChar - L'A' + 'a');
    return key.UnicodeChar && key.UnicodeChar < 0x80 ? (char)key.UnicodeChar : '?';
}

static bool is_choice(char key, enum efi_mode *mode)
{
    if (key == ESCAPE)
        key = 'q';
    else if (key == '\r' || key == '\n')
        key = choices[0].key;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (choices[i].key != key)
            continue;
        *mode = choices[i].mode;
        return true;
    }
    return false;
}

/* A person does not hit two keys at once: what others follow is noise. */
static bool is_alone(const struct efi_stage *stage)
{
    bool alone = true;

    stage->system->BootServices->Stall(ALONE_US);
    while (read_key(stage))
        alone = false;
    return alone;
}

/* Any key that is no choice gives a person time to choose, once. */
static enum efi_mode count_down(const struct efi_stage *stage, EFI_EVENT timer, unsigned seconds)
{
    EFI_EVENT events[] = {timer, stage->system->ConIn->WaitForKey};
    enum efi_mode mode = choices[0].mode, chosen;
    bool extended = false;
    UINTN which;

    while (seconds) {
        print(stage, "\rinspect in %u s; a key of the menu chooses%-26s   ", seconds,
              extended ? "" : ", any other gives a minute");
        if (stage->system->BootServices->WaitForEvent(2, events, &which) != EFI_SUCCESS)
            return mode;
        if (!which) {
            seconds--;
            continue;
        }
        char key = read_key(stage);
        if (key && is_choice(key, &chosen) && is_alone(stage))
            return chosen;
        if (key && !extended)
            seconds = seconds > PERSON_S ? seconds : PERSON_S;
        extended |= key != 0;
    }
    return mode;
}

static enum efi_mode ask(const struct efi_stage *stage, unsigned seconds)
{
    EFI_BOOT_SERVICES *services = stage->system->BootServices;
    enum efi_mode mode = choices[0].mode;
    EFI_EVENT timer;

    print(stage, "\nBulkhead %s\n\n", BULKHEAD_VERSION);
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        print(stage, "  %c  %s\n", choices[i].key, choices[i].text);
    print(stage, "\n");
    if (services->CreateEvent(EVT_TIMER, TPL_APPLICATION, NULL, NULL, &timer) != EFI_SUCCESS)
        return mode;
    if (services->SetTimer(timer, TimerPeriodic, SECOND_100NS) == EFI_SUCCESS)
        mode = count_down(stage, timer, seconds);
    services->CloseEvent(timer);
    print(stage, "\n\n");
    return mode;
}

enum efi_mode efi_choose_mode(const struct efi_stage *stage, const struct boot_info *info)
{
    unsigned seconds = boot_number(info, "timeout");

    if (boot_option_is(info, "mode", "takeover"))
        return EFI_TAKEOVER;
    if (boot_option_is(info, "mode", "inspect") || !stage->system->ConIn || !seconds)
        return EFI_INSPECT;
    return ask(stage, seconds);
}
