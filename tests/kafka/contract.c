/* SPDX-License-Identifier: Apache-2.0
 *
 * contract.c - the contract's tests, compiled into this program too.
 */
#include "log/contract.c"
