/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef NTDEF_H
#define NTDEF_H

#include <sal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Basic types of 64-bit Windows, where long has 32 bits: ULONG is fixed here by width, so that the
 * layouts hold on a compiler whose long has 64. The 64-bit types are long long, as there, so that
 * %llx prints them. Source: ntdef.h of the Windows SDK, by name.
 */
#define VOID  void
#define CONST const
#define NTAPI
#define NTSYSAPI
#define NTKERNELAPI
#define FORCEINLINE static inline

typedef char CHAR, *PCHAR;
typedef unsigned char UCHAR, *PUCHAR;
typedef UCHAR BOOLEAN, *PBOOLEAN;
typedef int16_t SHORT, CSHORT;
typedef uint16_t USHORT, *PUSHORT;
typedef int32_t LONG, *PLONG;
typedef uint32_t ULONG, *PULONG;
typedef uint8_t UINT8;
typedef uint16_t UINT16;
typedef uint32_t UINT32;
typedef long long LONGLONG;
typedef unsigned long long UINT64, ULONGLONG, *PULONGLONG, ULONG64, *PULONG64;
typedef uintptr_t ULONG_PTR;
typedef size_t SIZE_T, *PSIZE_T;
typedef void *PVOID;
typedef PVOID HANDLE;

/* Negative values are failures. */
typedef LONG NTSTATUS;

#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

/* Interrupt request levels, as 64-bit x86 numbers them. A routine may be called at the level that
 * its declaration names, and below. All code of this image that calls or is called through this API
 * runs at PASSIVE_LEVEL. */
typedef UCHAR KIRQL, *PKIRQL;

#define PASSIVE_LEVEL  0
#define APC_LEVEL      1
#define DISPATCH_LEVEL 2
#define HIGH_LEVEL     15

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

#ifndef DUMMYSTRUCTNAME
#define DUMMYSTRUCTNAME
#endif
#ifndef DUMMYUNIONNAME
#define DUMMYUNIONNAME
#endif

/* Layouts that a binary interface fixes: 64-bit ABI, in bytes. */
#define ABI_SIZE(type, bytes)       _Static_assert(sizeof(type) == (bytes), "ABI")
#define ABI_AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), "ABI")

#define FIELD_OFFSET(type, field)   offsetof(type, field)
#define RTL_SIZEOF_THROUGH_FIELD(type, field)                                                      \
    (offsetof(type, field) + sizeof(((type *)NULL)->field))
#define CONTAINING_RECORD(address, type, field)                                                    \
    ((type *)(void *)((char *)(address)-offsetof(type, field)))
#define UNREFERENCED_PARAMETER(parameter)         ((void)(parameter))
#define ARRAYSIZE(array)                          (sizeof(array) / sizeof((array)[0]))

#define RtlZeroMemory(destination, bytes)         memset((destination), 0, (bytes))
#define RtlFillMemory(destination, bytes, value)  memset((destination), (value), (bytes))
#define RtlCopyMemory(destination, source, bytes) memcpy((destination), (source), (bytes))
#define RtlMoveMemory(destination, source, bytes) memmove((destination), (source), (bytes))

typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    } DUMMYSTRUCTNAME;
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

/* In bytes. Signed in this API; an address of 2^63 and above is invalid. */
typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

FORCEINLINE VOID InitializeListHead(_Out_ PLIST_ENTRY ListHead)
{
    ListHead->Flink = ListHead;
    ListHead->Blink = ListHead;
}

FORCEINLINE BOOLEAN IsListEmpty(_In_ const LIST_ENTRY *ListHead)
{
    return ListHead->Flink == ListHead;
}

FORCEINLINE VOID InsertHeadList(_Inout_ PLIST_ENTRY ListHead, _Inout_ PLIST_ENTRY Entry)
{
    Entry->Flink = ListHead->Flink;
    Entry->Blink = ListHead;
    Entry->Flink->Blink = Entry;
    ListHead->Flink = Entry;
}

FORCEINLINE VOID InsertTailList(_Inout_ PLIST_ENTRY ListHead, _Inout_ PLIST_ENTRY Entry)
{
    InsertHeadList(ListHead->Blink, Entry);
}

/* TRUE: the list is empty now. */
FORCEINLINE BOOLEAN RemoveEntryList(_In_ PLIST_ENTRY Entry)
{
    Entry->Blink->Flink = Entry->Flink;
    Entry->Flink->Blink = Entry->Blink;
    return Entry->Flink == Entry->Blink;
}

/* Of an empty list: its head. */
FORCEINLINE PLIST_ENTRY RemoveHeadList(_Inout_ PLIST_ENTRY ListHead)
{
    PLIST_ENTRY entry = ListHead->Flink;

    (void)RemoveEntryList(entry);
    return entry;
}

FORCEINLINE PLIST_ENTRY RemoveTailList(_Inout_ PLIST_ENTRY ListHead)
{
    PLIST_ENTRY entry = ListHead->Blink;

    (void)RemoveEntryList(entry);
    return entry;
}

_Static_assert(sizeof(ULONG) == 4 && sizeof(NTSTATUS) == 4, "LLP64: long has 32 bits");
_Static_assert(sizeof(ULONGLONG) == 8 && sizeof(SIZE_T) == 8 && sizeof(PVOID) == 8, "LLP64");
_Static_assert(sizeof(BOOLEAN) == 1 && sizeof(CSHORT) == 2, "LLP64");
ABI_SIZE(LARGE_INTEGER, 8);
ABI_AT(LARGE_INTEGER, HighPart, 4);
ABI_SIZE(LIST_ENTRY, 0x10);
ABI_AT(LIST_ENTRY, Blink, 8);

#endif
