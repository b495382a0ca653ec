/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * UEFI specification, "Device Path Protocol", "Serial I/O Protocol", "PCI I/O Protocol", and
 * "Globally Defined Variables" for ConOut.
 */
#include "boot/efi.h"

#include <efipciio.h>
#include <string.h>

#define PATH_BYTES_MAX 512u
#define CONSOLE_MAX    2048u
#define NODE_MINIMUM   sizeof(EFI_DEVICE_PATH)
#define COM_MAX        3u

_Static_assert(sizeof(EFI_DEVICE_PATH) == 4, "UEFI, Generic Device Path Node Structure");
_Static_assert(sizeof(ACPI_HID_DEVICE_PATH) == 12, "UEFI, ACPI Device Path");

static EFI_GUID device_path_guid = {
    0x09576e91, 0x6d3f, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static EFI_GUID serial_guid = {
    0xBB25CF6F, 0xF1D4, 0x11D2, {0x9A, 0x0C, 0x00, 0x90, 0x27, 0x3F, 0xC1, 0xFD}};
static EFI_GUID pci_io_guid = {
    0x4cf5b200, 0x68b8, 0x4ca5, {0x9e, 0xec, 0xb2, 0x3e, 0x3f, 0x50, 0x02, 0x9a}};
static EFI_GUID global_variable_guid = {
    0x8BE4DF61, 0x93CA, 0x11D2, {0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C}};

/* Device paths: one after the other, each ended by a node of type End. */
struct paths {
    const uint8_t *bytes;
    size_t length;
};

static size_t node_length(const uint8_t *node)
{
    return node[2] + node[3] * 256u;
}

/* Bytes of the path in front of its end; 0: it has none within the length. */
static size_t path_length(struct paths paths)
{
    size_t at = 0;

    while (at + NODE_MINIMUM <= paths.length) {
        size_t length = node_length(paths.bytes + at);

        if ((paths.bytes[at] & EFI_DP_TYPE_MASK) == END_DEVICE_PATH_TYPE)
            return at;
        if (length < NODE_MINIMUM || length > paths.length - at)
            return 0;
        at += length;
    }
    return 0;
}

/* A terminal's type stands behind the path of its port. */
static bool begins_one(struct paths paths, const uint8_t *path, size_t length)
{
    while (paths.length > length) {
        size_t skipped = path_length(paths);

        if (memcmp(paths.bytes, path, length) == 0)
            return true;
        if (skipped == 0)
            return false;
        paths.bytes += skipped + NODE_MINIMUM;
        paths.length -= skipped + NODE_MINIMUM;
    }
    return false;
}

/* What is left of a port's path behind the nearest PCI function tells the two kinds apart: that
 * function itself, or a port on the ISA bus behind it. */
static bool port_of(EFI_BOOT_SERVICES *services, EFI_DEVICE_PATH *rest, struct boot_port *port)
{
    EFI_HANDLE handle;
    EFI_PCI_IO *pci;
    UINTN segment, bus, device, function;
    const ACPI_HID_DEVICE_PATH *acpi;

    if (services->LocateDevicePath(&pci_io_guid, &rest, &handle) != EFI_SUCCESS ||
        services->HandleProtocol(handle, &pci_io_guid, (void **)&pci) != EFI_SUCCESS ||
        pci->GetLocation(pci, &segment, &bus, &device, &function) != EFI_SUCCESS)
        return false;
    memset(port, 0, sizeof(*port));
    port->pci = DevicePathType(rest) == MESSAGING_DEVICE_PATH && rest->SubType == MSG_UART_DP;
    port->segment = (uint16_t)segment;
    port->bdf = (uint16_t)(bus % 256 << 8 | device % 32 << 3 | function % 8);
    if (port->pci)
        return true;
    if (DevicePathType(rest) != ACPI_DEVICE_PATH || rest->SubType != ACPI_DP ||
        node_length((const uint8_t *)rest) < sizeof(*acpi))
        return false;
    acpi = (const ACPI_HID_DEVICE_PATH *)rest;
    port->com = (uint8_t)acpi->UID;
    return acpi->UID <= COM_MAX &&
           (acpi->HID == EISA_PNP_ID(0x0501) || acpi->HID == EISA_PNP_ID(0x0500));
}

static void add_port(struct boot_info *info, struct boot_port port)
{
    for (unsigned i = 0; i < info->port_count; i++)
        if (memcmp(&info->ports[i], &port, sizeof(port)) == 0)
            return;
    if (info->port_count < BOOT_PORTS_MAX)
        info->ports[info->port_count++] = port;
}

static struct paths read_console(EFI_SYSTEM_TABLE *system)
{
    static uint8_t console[CONSOLE_MAX];
    UINTN size = sizeof(console);
    EFI_STATUS status = system->RuntimeServices->GetVariable(
        (CHAR16 *)L"ConOut", &global_variable_guid, NULL, &size, console);

    return (struct paths){console, status == EFI_SUCCESS ? size : 0};
}

void efi_gather_ports(const struct efi_stage *stage, struct boot_info *info)
{
    EFI_BOOT_SERVICES *services = stage->system->BootServices;
    struct paths console = read_console(stage->system);
    EFI_HANDLE *handles;
    UINTN count;

    if (services->LocateHandleBuffer(ByProtocol, &serial_guid, NULL, &count, &handles) !=
        EFI_SUCCESS)
        return;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (UINTN i = 0; i < count; i++) {
            EFI_DEVICE_PATH *path;
            struct boot_port port;
            size_t length;

            if (services->HandleProtocol(handles[i], &device_path_guid, (void **)&path) !=
                EFI_SUCCESS)
                continue;
            length = path_length((struct paths){(const uint8_t *)path, PATH_BYTES_MAX});
            if (length != 0 && begins_one(console, (const uint8_t *)path, length) == (pass == 0) &&
                port_of(services, path, &port))
                add_port(info, port);
        }
    }
    services->FreePool(handles);
}
