/* Tables: what the requantizers take on trust. */
#include <string.h>

#include "model/program/layout.h"
#include "model/program/verify.h"

/* M and B' of one row; past the last channel they give code 0. */
static const char *row_fault(const struct bd_program_header *h, const struct bd_descriptor *d, const uint8_t *row,
                             bool real)
{
    int64_t m, b;
    memcpy(&m, row, 8);
    memcpy(&b, row + 8, 8);
    const int64_t m_limit = d->flags & BD_FLAG_SIGN_ONLY ? 2 : (int64_t)1 << (h->mult_bits - 1);
    const int64_t b_limit = (int64_t)1 << (BD_TABLE_BIAS_BITS - 1);
    const int64_t z = b >> d->shift;
    const bool silent = !(d->flags & BD_FLAG_WRITE_CODES) ||
                        (z >= INT32_MIN && z < 0 && (d->code_multiplier * z + d->code_offset) >> d->code_shift <= 0);
    if (!real)
        return m || b >= 0 || b < -b_limit || !silent ? "a row past the last channel has another code than 0" : NULL;
    if (m < -m_limit || m >= m_limit || ((d->flags & BD_FLAG_SIGN_ONLY) && m == -2))
        return d->flags & BD_FLAG_SIGN_ONLY ? "M of a comparison is not -1, 0 or 1" : "M exceeds mult_bits";
    return b < -b_limit || b >= b_limit ? "B' exceeds 52 bits" : NULL;
}

bd_status bd_verify_tables(const struct bd_verifier *v, uint32_t s, uint32_t l)
{
    const struct bd_program *p = v->program;
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    for (uint64_t row = 0; d->operation != BD_OP_LOAD && row < (uint64_t)d->row_groups * p->header->rows; row++) {
        const uint64_t at = d->table_offset + row * BD_TABLE_ROW_BYTES;
        const char *fault = row_fault(p->header, d, p->image + at, row < d->out_channels);
        if (fault)
            return bd_verify_fail(v, at, "tables of layer '%s' at switch '%s': %s", p->names[l], p->switches[s].name,
                                  fault);
    }
    return BD_OK;
}
