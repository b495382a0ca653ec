/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MDL_H
#define MDL_H

#include <ntdef.h>

/* Memory descriptor lists: a buffer as the list of its page frames. Source: wdm.h, MDL. */
#define PAGE_SIZE  0x1000
#define PAGE_SHIFT 12

/* Physical address / 4096. */
typedef ULONG_PTR PFN_NUMBER, *PPFN_NUMBER;

#define BYTE_OFFSET(address) ((ULONG)((ULONG_PTR)(address) & (PAGE_SIZE - 1)))
#define PAGE_ALIGN(address)  ((PVOID)((ULONG_PTR)(address) & ~(ULONG_PTR)(PAGE_SIZE - 1)))
#define ROUND_TO_PAGES(size) (((ULONG_PTR)(size) + PAGE_SIZE - 1) & ~(ULONG_PTR)(PAGE_SIZE - 1))
#define ADDRESS_AND_SIZE_TO_SPAN_PAGES(address, size)                                              \
    ((SIZE_T)((BYTE_OFFSET(address) + (SIZE_T)(size) + PAGE_SIZE - 1) >> PAGE_SHIFT))

/* The frame numbers follow the structure, one for each page. */
typedef struct _MDL {
    struct _MDL *Next;
    CSHORT Size; /* bytes, frame numbers included */
    CSHORT MdlFlags;
    struct _EPROCESS *Process;
    PVOID MappedSystemVa;
    PVOID StartVa; /* page aligned */
    ULONG ByteCount;
    ULONG ByteOffset; /* of the buffer in its first page */
} MDL, *PMDL;

ABI_SIZE(MDL, 0x30);
ABI_AT(MDL, Size, 0x08);
ABI_AT(MDL, MdlFlags, 0x0A);
ABI_AT(MDL, Process, 0x10);
ABI_AT(MDL, MappedSystemVa, 0x18);
ABI_AT(MDL, StartVa, 0x20);
ABI_AT(MDL, ByteCount, 0x28);
ABI_AT(MDL, ByteOffset, 0x2C);

/* Bits of MdlFlags. The domain API asks for none of them (C). */
#define MDL_MAPPED_TO_SYSTEM_VA     0x0001
#define MDL_PAGES_LOCKED            0x0002
#define MDL_SOURCE_IS_NONPAGED_POOL 0x0004

/* Bytes that an MDL for this buffer needs, frame numbers included. */
FORCEINLINE SIZE_T MmSizeOfMdl(_In_ PVOID Base, _In_ SIZE_T Length)
{
    return sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length);
}

FORCEINLINE PPFN_NUMBER MmGetMdlPfnArray(_In_ PMDL Mdl)
{
    return (PPFN_NUMBER)(void *)(Mdl + 1);
}

/* Where the buffer begins in the address space of whoever made the MDL. */
FORCEINLINE PVOID MmGetMdlVirtualAddress(_In_ const MDL *Mdl)
{
    return (PVOID)((ULONG_PTR)Mdl->StartVa + Mdl->ByteOffset);
}

FORCEINLINE PVOID MmGetMdlBaseVa(_In_ const MDL *Mdl)
{
    return Mdl->StartVa;
}

FORCEINLINE ULONG MmGetMdlByteCount(_In_ const MDL *Mdl)
{
    return Mdl->ByteCount;
}

FORCEINLINE ULONG MmGetMdlByteOffset(_In_ const MDL *Mdl)
{
    return Mdl->ByteOffset;
}

/* Fills the header; the frame numbers are written by the caller, or by driver_build_mdl of
 * driver.h, which stands in for MmBuildMdlForNonPagedPool. Length is below 4 GiB. Size has 16 bits:
 * the domain API takes buffers of up to 8185 pages as one MDL, larger ones as a frame array (C). */
FORCEINLINE VOID MmInitializeMdl(_Out_ PMDL Mdl, _In_ PVOID BaseVa, _In_ SIZE_T Length)
{
    Mdl->Next = NULL;
    Mdl->Size = (CSHORT)(USHORT)MmSizeOfMdl(BaseVa, Length);
    Mdl->MdlFlags = 0;
    Mdl->Process = NULL;
    Mdl->MappedSystemVa = NULL;
    Mdl->StartVa = PAGE_ALIGN(BaseVa);
    Mdl->ByteCount = (ULONG)Length;
    Mdl->ByteOffset = BYTE_OFFSET(BaseVa);
}

#endif
