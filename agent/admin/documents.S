/* Documents of schema/ as bytes of the program. The paths come from CMakeLists.txt. */
	.section .rodata
	.global document_openapi
	.hidden document_openapi
	.balign 16
document_openapi:
	.incbin DOCUMENT_OPENAPI
	.global document_openapi_end
	.hidden document_openapi_end
document_openapi_end:
	.byte 0

	.global document_policy_schema
	.hidden document_policy_schema
	.balign 16
document_policy_schema:
	.incbin DOCUMENT_POLICY_SCHEMA
	.global document_policy_schema_end
	.hidden document_policy_schema_end
document_policy_schema_end:
	.byte 0

	.section .note.GNU-stack,"",%progbits
