// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "plain_run.h"

#include <jansson.h>
