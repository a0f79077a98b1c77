// SPDX-License-Identifier: Apache-2.0
/** No meter on a wall is older; the server judges by the same day (domain/fleet/installation.py). */
export const EARLIEST = "1950-01-01";
