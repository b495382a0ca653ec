/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef NTDEF_H
#define NTDEF_H

#include <sal.h>
#include <stddef.h>
#include <stdint.h>

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

#define FIELD_OFFSET(type, field) offsetof(type, field)
#define RTL_SIZEOF_THROUGH_FIELD(type, field)                                                      \
    (offsetof(type, field) + sizeof(((type *)NULL)->field))
#define CONTAINING_RECORD(address, type, field)                                                    \
    ((type *)(void *)((char *)(address)-offsetof(type, field)))
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))

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

_Static_assert(sizeof(ULONG) == 4 && sizeof(NTSTATUS) == 4, "LLP64: long has 32 bits");
_Static_assert(sizeof(ULONGLONG) == 8 && sizeof(SIZE_T) == 8 && sizeof(PVOID) == 8, "LLP64");
_Static_assert(sizeof(BOOLEAN) == 1 && sizeof(CSHORT) == 2, "LLP64");
_Static_assert(sizeof(LARGE_INTEGER) == 8 && sizeof(LIST_ENTRY) == 16, "LLP64");

#endif
