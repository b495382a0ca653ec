/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The UEFI stage: gathers struct boot_info, then looks and goes back to firmware, or leaves boot
 * services and goes to boot_main. UEFI specification, "Boot Services", "EFI System Table", "Loaded
 * Image Protocol", "Graphics Output Protocol".
 */
#include "boot/efi.h"
#include "boot/inspect.h"
#include "boot/memory_map.h"
#include "boot/options.h"
#include "lib/log.h"

#include <driver_bench.h>
#include <string.h>

#define EXIT_ATTEMPTS 8
#define MAP_SLACK     16 /* descriptors that the map may grow by until it is read */
#define FULL_MASK     0xFFU

_Static_assert(sizeof(CHAR16) == 2 && sizeof(L' ') == 2, "UEFI's characters are 16 bits wide");
_Static_assert(sizeof(EFI_MEMORY_DESCRIPTOR) == 40, "UEFI, GetMemoryMap()");

/* Start-up code passes the arguments on in the System V convention. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

/* One 12-byte block with two entries of kind ABSOLUTE: nothing to relocate, and well formed.
 * gnu-efi relocates the image itself (PE/COFF specification, "The .reloc Section"). */
__attribute__((section(".reloc"), used)) static const struct {
    uint32_t page;
    uint32_t size;
    uint16_t entries[2];
} relocations = {.size = 12};
_Static_assert(sizeof(relocations) == 12, "a block's size is a multiple of 4");

struct memory_map {
    uint8_t *descriptors;
    UINTN capacity;
    UINTN size;
    UINTN stride;
    UINTN key;
};

static EFI_GUID acpi20_guid = ACPI_20_TABLE_GUID;
static EFI_GUID acpi10_guid = ACPI_TABLE_GUID;
static EFI_GUID loaded_image_guid = LOADED_IMAGE_PROTOCOL;
static EFI_GUID graphics_guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
static EFI_GUID global_variable_guid = EFI_GLOBAL_VARIABLE;

static struct boot_info info;

static struct efi_stage stage;

static EFI_STATUS stop(EFI_STATUS status, const char *sentence)
{
    efi_print(&stage, sentence, strlen(sentence));
    return status;
}

static uint64_t find_table(const EFI_SYSTEM_TABLE *system, const EFI_GUID *guid)
{
    for (UINTN i = 0; i < system->NumberOfTableEntries; i++) {
        const EFI_CONFIGURATION_TABLE *entry = &system->ConfigurationTable[i];

        if (memcmp(&entry->VendorGuid, guid, sizeof(*guid)) == 0)
            return (uintptr_t)entry->VendorTable;
    }
    return 0;
}

static void gather_firmware(EFI_SYSTEM_TABLE *system)
{
    const CHAR16 *vendor = system->FirmwareVendor;
    UINT8 secure_boot = 0;
    UINTN size = sizeof(secure_boot);
    EFI_STATUS status;

    for (size_t i = 0; vendor != NULL && vendor[i] != 0; i++) {
        if (i == sizeof(info.firmware_vendor) - 1)
            break;
        info.firmware_vendor[i] = vendor[i] >= ' ' && vendor[i] <= '~' ? (char)vendor[i] : '?';
    }
    info.firmware_revision = system->FirmwareRevision;
    info.runtime_services = (uintptr_t)system->RuntimeServices;
    info.rsdp = find_table(system, &acpi20_guid);
    if (info.rsdp == 0)
        info.rsdp = find_table(system, &acpi10_guid);
    status = system->RuntimeServices->GetVariable((CHAR16 *)L"SecureBoot", &global_variable_guid,
                                                  NULL, &size, &secure_boot);
    info.secure_boot = status == EFI_SUCCESS && secure_boot == 1;
}

/* The place of an 8-bit colour in a pixel. */
static bool shift_of_mask(uint32_t mask, uint8_t *shift)
{
    if (mask == 0)
        return false;
    *shift = (uint8_t)__builtin_ctz(mask);
    return mask >> *shift == FULL_MASK;
}

static bool pixel_shifts(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode,
                         struct boot_framebuffer *out)
{
    out->green_shift = 8;
    switch (mode->PixelFormat) {
    case PixelRedGreenBlueReserved8BitPerColor:
        out->blue_shift = 16;
        return true;
    case PixelBlueGreenRedReserved8BitPerColor:
        out->red_shift = 16;
        return true;
    case PixelBitMask:
        return shift_of_mask(mode->PixelInformation.RedMask, &out->red_shift) &&
               shift_of_mask(mode->PixelInformation.GreenMask, &out->green_shift) &&
               shift_of_mask(mode->PixelInformation.BlueMask, &out->blue_shift);
    default:
        return false;
    }
}

/* A machine without graphics, or with a frame buffer that is not linear, is as good. */
static void gather_framebuffer(EFI_BOOT_SERVICES *services)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics = NULL;
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode;
    struct boot_framebuffer found = {0};

    if (services->LocateProtocol(&graphics_guid, NULL, (void **)&graphics) != EFI_SUCCESS)
        return;
    if (graphics->Mode == NULL || graphics->Mode->Info == NULL)
        return;
    mode = graphics->Mode->Info;
    found.base = graphics->Mode->FrameBufferBase;
    found.length = graphics->Mode->FrameBufferSize;
    found.width = mode->HorizontalResolution;
    found.height = mode->VerticalResolution;
    found.stride = mode->PixelsPerScanLine;
    if (!pixel_shifts(mode, &found) || found.width == 0 || found.width > found.stride ||
        found.height == 0 || found.length / found.stride / sizeof(uint32_t) < found.height) {
        log_write(LOG_NOTICE, "efi", "the frame buffer's format is not supported");
        return;
    }
    info.framebuffer = found;
}

static EFI_STATUS map_reserve(EFI_BOOT_SERVICES *services, struct memory_map *map)
{
    UINT32 version;
    EFI_STATUS status;

    status = services->GetMemoryMap(&map->size, NULL, &map->key, &map->stride, &version);
    if (status != EFI_BUFFER_TOO_SMALL || map->stride < sizeof(EFI_MEMORY_DESCRIPTOR))
        return EFI_DEVICE_ERROR;
    map->capacity = map->size + MAP_SLACK * map->stride;
    return services->AllocatePool(EfiLoaderData, map->capacity, (void **)&map->descriptors);
}

static EFI_STATUS map_read(EFI_BOOT_SERVICES *services, struct memory_map *map)
{
    UINT32 version;
    EFI_STATUS status;

    map->size = map->capacity;
    status = services->GetMemoryMap(&map->size, (EFI_MEMORY_DESCRIPTOR *)map->descriptors,
                                    &map->key, &map->stride, &version);
    return status == EFI_SUCCESS && map->stride >= sizeof(EFI_MEMORY_DESCRIPTOR) ? EFI_SUCCESS
                                                                                 : EFI_DEVICE_ERROR;
}

/* The map's key must be that of the last change, and ExitBootServices() itself may change the map
 * (timers, event handlers): it is read again then, into the same buffer. */
static EFI_STATUS leave_boot_services(EFI_BOOT_SERVICES *services, EFI_HANDLE image,
                                      struct memory_map *map)
{
    EFI_STATUS status = EFI_DEVICE_ERROR;

    for (unsigned i = 0; i < EXIT_ATTEMPTS; i++) {
        if (map_read(services, map) != EFI_SUCCESS)
            return EFI_DEVICE_ERROR;
        status = services->ExitBootServices(image, map->key);
        if (status == EFI_SUCCESS)
            return status;
    }
    return status;
}

/* Types that this file does not know may be anything. False: no memory at all. */
static bool kind_of(UINT32 type, enum boot_memory_kind *kind)
{
    switch (type) {
    case EfiLoaderCode:
    case EfiLoaderData:
    case EfiBootServicesCode:
    case EfiBootServicesData:
    case EfiConventionalMemory:
        *kind = BOOT_MEMORY_USABLE;
        return true;
    case EfiMemoryMappedIO:
    case EfiMemoryMappedIOPortSpace:
        *kind = BOOT_MEMORY_MMIO;
        return true;
    case EfiUnusableMemory:
        return false;
    case EfiRuntimeServicesCode:
    case EfiRuntimeServicesData:
    case EfiACPIReclaimMemory:
    case EfiACPIMemoryNVS:
    case EfiPalCode:
        *kind = BOOT_MEMORY_FIRMWARE;
        return true;
    default:
        *kind = BOOT_MEMORY_RESERVED;
        return true;
    }
}

/* What runtime services run in, and reach. */
static void note_runtime(const EFI_MEMORY_DESCRIPTOR *descriptor, enum boot_memory_kind kind)
{
    if (!(descriptor->Attribute & EFI_MEMORY_RUNTIME))
        return;
    if (info.runtime_count < BOOT_RUNTIME_MAX)
        info.runtime[info.runtime_count] = (struct boot_memory){
            descriptor->PhysicalStart, descriptor->NumberOfPages * EFI_PAGE_SIZE, kind};
    info.runtime_count++;
}

/* Usable memory first, so that a range that firmware names twice does not end usable. */
static void convert_map(const struct memory_map *map)
{
    static const enum boot_memory_kind order[] = {BOOT_MEMORY_USABLE, BOOT_MEMORY_MMIO,
                                                  BOOT_MEMORY_FIRMWARE, BOOT_MEMORY_RESERVED};
    unsigned refused = 0;

    for (unsigned pass = 0; pass < sizeof(order) / sizeof(order[0]); pass++) {
        for (UINTN at = 0; at + sizeof(EFI_MEMORY_DESCRIPTOR) <= map->size; at += map->stride) {
            const EFI_MEMORY_DESCRIPTOR *descriptor = (const void *)(map->descriptors + at);
            enum boot_memory_kind kind;

            if (!kind_of(descriptor->Type, &kind) || kind != order[pass])
                continue;
            note_runtime(descriptor, kind);
            if (descriptor->NumberOfPages > UINT64_MAX / EFI_PAGE_SIZE ||
                !boot_memory_set(&info, descriptor->PhysicalStart,
                                 descriptor->NumberOfPages * EFI_PAGE_SIZE, kind))
                refused++;
        }
    }
    if (!boot_memory_set(&info, info.image_base, info.image_length, BOOT_MEMORY_IMAGE))
        refused++;
    if (refused != 0)
        log_write(LOG_WARNING, "efi", "memory map: %u entries are malformed or did not fit",
                  refused);
}

/* Options later in the list win: the load options come after the file. */
static void gather_options(const EFI_LOADED_IMAGE *image)
{
    efi_read_config(&stage, &info);
    if (image->LoadOptions != NULL &&
        !options_add(info.options, image->LoadOptions, image->LoadOptionsSize, OPTIONS_WORDS))
        log_write(LOG_WARNING, "efi", "the load options are too long: some are left out");
}

static EFI_STATUS gather(void)
{
    EFI_BOOT_SERVICES *services = stage.system->BootServices;
    EFI_STATUS status;

    status = services->HandleProtocol(stage.handle, &loaded_image_guid, (void **)&stage.image);
    if (status != EFI_SUCCESS)
        return status;
    info.image_base = (uintptr_t)stage.image->ImageBase;
    info.image_length = (stage.image->ImageSize + EFI_PAGE_MASK) & ~(uint64_t)EFI_PAGE_MASK;
    gather_firmware(stage.system);
    gather_framebuffer(services);
    efi_gather_ports(&stage, &info);
    gather_options(stage.image);
    return EFI_SUCCESS;
}

static void show(const char *text, size_t length)
{
    efi_print(&stage, text, length);
}

/* The status of the run, for the Shell or firmware. */
static EFI_STATUS inspect(struct memory_map *map)
{
    static const EFI_STATUS results[] = {[REPORT_FOUND_ON] = EFI_SUCCESS,
                                         [REPORT_FOUND_OFF] = EFI_SECURITY_VIOLATION,
                                         [REPORT_FOUND_NONE] = EFI_NOT_FOUND,
                                         [REPORT_FOUND_UNKNOWN] = EFI_DEVICE_ERROR};
    static char report[INSPECT_REPORT_MAX];
    enum report_found found;
    EFI_STATUS status;
    size_t length;

    if (map_read(stage.system->BootServices, map) == EFI_SUCCESS)
        convert_map(map);
    found = boot_inspect(&info, show, report, &length);
    status = length ? efi_write_file(&stage, L"report.txt", report, length) : EFI_BUFFER_TOO_SMALL;
    (void)stage.system->BootServices->FreePool(map->descriptors);
    if (status != EFI_SUCCESS)
        return stop(EFI_WRITE_PROTECTED, "report.txt cannot be written beside the image\n");
    return stop(results[found], "written to report.txt beside the image\n");
}

static EFI_STATUS take_over(struct memory_map *map)
{
    EFI_STATUS status;

    stage.system->BootServices->SetWatchdogTimer(0, 0, 0, NULL);
    BENCH_MARKER(BENCH_BEGIN);
    boot_snapshot(&info);
    BENCH_MARKER(BENCH_END);
    status = leave_boot_services(stage.system->BootServices, stage.handle, map);
    if (status != EFI_SUCCESS)
        return status; /* after a try to leave, its console may be gone */
    __asm__ volatile("cli" ::: "memory");
    BENCH_MARKER(BENCH_BEGIN);
    convert_map(map);
    boot_main(&info);
}

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *system)
{
    struct memory_map map = {0};
    enum efi_mode mode;
    EFI_STATUS status;

    stage = (struct efi_stage){.handle = handle, .system = system};
    status = gather();
    if (status != EFI_SUCCESS)
        return stop(status, "Bulkhead: firmware does not say where it put the image\n");
    mode = efi_choose_mode(&stage, &info);
    if (mode == EFI_LEAVE)
        return EFI_ABORTED;
    status = map_reserve(system->BootServices, &map);
    if (status != EFI_SUCCESS)
        return stop(status, "Bulkhead: there is no memory for the memory map\n");
    return mode == EFI_INSPECT ? inspect(&map) : take_over(&map);
}
