#ifndef ADMIN_DOCUMENTS_H
#define ADMIN_DOCUMENTS_H

#include <stdint.h>

/* Documents of schema/ as bytes of the program: documents.S. */
extern const uint8_t document_openapi[], document_openapi_end[];
extern const uint8_t document_policy_schema[], document_policy_schema_end[];

#endif
