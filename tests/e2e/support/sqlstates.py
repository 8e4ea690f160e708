"""The SQLSTATE of every refusal, in one place. A tuple where more than one is defensible."""

PRIVILEGE = ("42501",)            # insufficient_privilege: server files, allowed_directories, the target schema
MISSING = ("58P01",)              # undefined_file
NOT_A_FILE = ("42809",)           # wrong_object_type: a directory, a device
UNREADABLE = ("42501",)           # the server's operating system user may not read it
RELATIVE_PATH = ("42602",)        # invalid_name
NOT_A_DATABASE = ("22P03",)       # invalid_binary_representation: also encrypted, empty
CORRUPT = ("XX001",)              # data_corrupted: a page, a truncated file
LOCKED = ("55P03",)               # lock_not_available
WAL_ALONE = ("55000",)            # object_not_in_prerequisite_state: a -wal that cannot be read in place
NO_PAGES = ("55000",)             # object_not_in_prerequisite_state: "loader": "pages" where it may not be
NO_FREEZE = ("55000",)             # object_not_in_prerequisite_state: "freeze" where it may not be
HOT_JOURNAL = ("55000",)          # object_not_in_prerequisite_state
PLAN = ("22023",)                 # invalid_parameter_value: a typo, a wrong type, a name that matches nothing
UNSUPPORTED = ("0A000",)          # feature_not_supported
EXISTS = ("42P07",)               # duplicate_table: it holds rows and existing_rows is error
SERIALIZATION = ("40001",)        # serialization_failure: others have written since the snapshot
ORPHANS = ("23503",)              # foreign_key_violation
NULL_KEY = ("23502",)             # not_null_violation
DUPLICATE_KEY = ("23505",)        # unique_violation
INVALID_VALUE = ("22P02",)               # invalid_text_representation: the value does not fit its column's type
UNTRANSLATABLE = ("22P05",)       # untranslatable_character: not in the database's encoding
READ_ONLY = ("25006",)            # read_only_sql_transaction: a standby, or BEGIN READ ONLY
CANCELED = ("57014",)             # query_canceled, statement_timeout
TERMINATED = ("08006",)           # connection_failure: how libpq passes on the server's admin_shutdown
NO_RUN = ("42704",)               # undefined_object
