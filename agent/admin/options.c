#include "admin/admin.h"
#include "core/macros.h"

#include <errno.h>
#include <string.h>

const struct json_field admin_option_fields[] = {
	{.name = "listen",
         .kind = JSON_FIELD_STRING,
         .offset = JSON_FIELD_AT(struct admin_options, listen),
         .min = 1,
         .max = 256},
	{.name = "public_url",
         .kind = JSON_FIELD_STRING,
         .offset = JSON_FIELD_AT(struct admin_options, public_url),
         .min = 1,
         .max = 256,
         .nullable = true},
	{.name = "allowed_hosts",
         .kind = JSON_FIELD_STRINGS,
         .offset = JSON_FIELD_AT(struct admin_options, allowed_hosts),
         .min = 1,
         .max = 256},
};
const size_t n_admin_option_fields = ARRAY_LEN(admin_option_fields);

int admin_options_default(struct admin_options *options)
{
	char *listen = strdup("127.0.0.1:12380");
	if (!listen)
		return -ENOMEM;
	*options = (struct admin_options){.listen = listen};
	return 0;
}
