/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Files beside the image. UEFI specification, "Simple File System Protocol", "File Protocol".
 */
#include "boot/efi.h"
#include "boot/options.h"
#include "lib/log.h"

#include <string.h>

#define CONFIG_SIZE_MAX 8192
#define PATH_LENGTH_MAX 512
#define PATH_NODES_MAX  32

static EFI_GUID file_system_guid = SIMPLE_FILE_SYSTEM_PROTOCOL;

/* The names of a media file path as "\a\b". False: malformed or too long. */
static bool file_path_text(const EFI_DEVICE_PATH *node, CHAR16 path[PATH_LENGTH_MAX])
{
    size_t end = 0;

    for (unsigned i = 0; i < PATH_NODES_MAX && node->Type != END_DEVICE_PATH_TYPE; i++) {
        size_t length = node->Length[0] + node->Length[1] * 256U;
        const CHAR16 *name = (const CHAR16 *)(node + 1);

        if (node->Type != MEDIA_DEVICE_PATH || node->SubType != MEDIA_FILEPATH_DP ||
            length < sizeof(*node))
            return false;
        if (end + 2 > PATH_LENGTH_MAX)
            return false;
        if ((end == 0 || path[end - 1] != L'\\') && name[0] != L'\\')
            path[end++] = L'\\';
        for (size_t count = (length - sizeof(*node)) / sizeof(CHAR16); count > 0; count--) {
            if (*name == 0)
                break;
            if (end + 2 > PATH_LENGTH_MAX)
                return false;
            path[end++] = *name++;
        }
        path[end] = 0;
        node = (const EFI_DEVICE_PATH *)((const uint8_t *)node + length);
    }
    return end > 0 && node->Type == END_DEVICE_PATH_TYPE;
}

/* The path of the file `name` beside the image. */
static bool path_beside(const EFI_LOADED_IMAGE *image, const CHAR16 *name,
                        CHAR16 path[PATH_LENGTH_MAX])
{
    size_t directory = 0, length = 1;

    while (name[length - 1] != 0)
        length++;
    if (image->FilePath == NULL || !file_path_text(image->FilePath, path))
        return false;
    for (size_t i = 0; path[i] != 0; i++)
        if (path[i] == L'\\')
            directory = i + 1;
    if (directory + length > PATH_LENGTH_MAX)
        return false;
    memcpy(path + directory, name, length * sizeof(CHAR16));
    return true;
}

static EFI_STATUS open_beside(const struct efi_stage *stage, const CHAR16 *name, UINT64 mode,
                              EFI_FILE **file)
{
    static CHAR16 path[PATH_LENGTH_MAX];
    EFI_FILE_IO_INTERFACE *volume;
    EFI_STATUS status;
    EFI_FILE *root;

    if (!path_beside(stage->image, name, path))
        return EFI_NOT_FOUND;
    status = stage->system->BootServices->HandleProtocol(stage->image->DeviceHandle,
                                                         &file_system_guid, (void **)&volume);
    if (status != EFI_SUCCESS)
        return status;
    status = volume->OpenVolume(volume, &root);
    if (status != EFI_SUCCESS)
        return status;
    status = root->Open(root, file, path, mode, 0);
    root->Close(root);
    return status;
}

void efi_read_config(const struct efi_stage *stage, struct boot_info *info)
{
    static uint8_t text[CONFIG_SIZE_MAX];
    UINTN size = sizeof(text);
    EFI_FILE *file;

    if (open_beside(stage, L"bulkhead.conf", EFI_FILE_MODE_READ, &file) != EFI_SUCCESS)
        return;
    if (file->Read(file, &size, text) != EFI_SUCCESS || size > sizeof(text))
        log_write(LOG_WARNING, "efi", "bulkhead.conf cannot be read");
    else if (!options_add(info->options, text, size, OPTIONS_LINES) || size == sizeof(text))
        log_write(LOG_WARNING, "efi", "bulkhead.conf is too long: some of it is left out");
    file->Close(file);
}

/* Only a file that is opened anew is no longer than what is written to it. */
static EFI_STATUS delete_beside(const struct efi_stage *stage, const CHAR16 *name)
{
    EFI_STATUS status;
    EFI_FILE *file;

    status = open_beside(stage, name, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE, &file);
    return status == EFI_SUCCESS ? file->Delete(file) : status;
}

EFI_STATUS efi_write_file(const struct efi_stage *stage, const CHAR16 *name, const void *data,
                          size_t length)
{
    UINTN written = length;
    EFI_STATUS status, closed;
    EFI_FILE *file;

    status = delete_beside(stage, name);
    if (status != EFI_SUCCESS && status != EFI_NOT_FOUND)
        return status;
    status = open_beside(stage, name,
                         EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE, &file);
    if (status != EFI_SUCCESS)
        return status;
    status = file->Write(file, &written, (void *)data);
    closed = file->Close(file);
    if (status == EFI_SUCCESS && written != length)
        status = EFI_VOLUME_FULL;
    return status == EFI_SUCCESS ? closed : status;
}
