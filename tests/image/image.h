/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_IMAGE_IMAGE_H
#define TESTS_IMAGE_IMAGE_H

#include "drivers/iommu/core/core.h"

/* Tests of the image by itself, after its drivers have ended. `all`: the longer ones too. `stopped`
 * is asked between two tests; NULL: never. */
void image_tests(struct iommu *iommu, bool all, bool (*stopped)(void));
void image_tests_all(struct iommu *iommu, bool (*stopped)(void));

/* Does what must end in a panic, by one of the words of the option provoke=. NULL: nothing. */
void image_provoke(struct iommu *iommu, const char *what);

#endif
