//! The topics of `skyteam help`: what is true of every command. The manual pages take their texts from here, too.

/// Topics: name, what it is about, text. `flags` is made from the flags themselves.
pub(crate) const TOPICS: [(&str, &str, &str); 7] = [
    ("flags", "Flags that every command takes", ""),
    ("exit-codes", "What the program answers a script", EXIT_CODES),
    ("environment", "Variables that are read", ENVIRONMENT),
    ("config", "Files of settings, and which database is used", CONFIG),
    ("references", "How users, flights and the rest are named", REFERENCES),
    ("times", "How times are written", TIMES),
    ("output", "Formats, columns, colour, pager", OUTPUT),
];

const EXIT_CODES: &str = "\
Exit codes:
    0  done, or nothing to do
    1  unexpected failure
    2  usage
    3  found something: db diff --exit-code, db doctor, miles audit,
       db verify, db generate --check, db status --exit-code
    4  no such thing, or the reference is ambiguous
    5  refused by a rule: not enough miles, duplicate, foreign key,
       illegal transition, target not empty
    6  configuration: no database, malformed URL, bad profile
    7  the server cannot be reached; try again
    8  access denied: password, permission
    9  confirmation needed: no terminal to ask on, or the answer was no
   10  a bulk command did part (--keep-going); the rejects file is named
   11  locked or timed out; try again
  130  interrupted; rolled back

With -o json or -o ndjson an error is one JSON object on stderr: {\"error\":{\"code\",\"exit\",\"message\",\"why\",\"fix\",
\"sqlstate\",\"retryable\"}}.";

const ENVIRONMENT: &str = "\
Settings:
  DATABASE_URL      the database; as --database-url
  SKYTEAM_PROFILE   a profile of the configuration file; as --profile
  SKYTEAM_ACTOR     who does it, for the ledger; as --actor
  SKYTEAM_TZ        zone of naive times and of tables; as --tz
  SKYTEAM_SIGN_KEY  key that signs backups; as --sign-key
  SKYTEAM_SIGNERS   whose backups are trusted; as --signers

Terminal:
  NO_COLOR          when set, no colour
  CLICOLOR_FORCE    when not 0, colour into pipes too
  SKYTEAM_PAGER     program that shows long answers; empty or cat: none
  PAGER             the same, for all programs; without either: less
  CI                when set, nothing is asked
  COLUMNS           width of help pages where there is no terminal
  BROWSER           what db studio --open starts

PostgreSQL:
  PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGPASSFILE, PGSERVICE,
  PGSERVICEFILE, PGSSLMODE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY, PGOPTIONS,
  PGCONNECT_TIMEOUT and others, as libpq reads them

Backups in s3:// (S3 and what speaks like it):
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (AWS_TOKEN)
  AWS_PROFILE, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE
  AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME,
  AWS_ENDPOINT_URL_STS
  AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
  AWS_EC2_METADATA_DISABLED, AWS_METADATA_ENDPOINT, AWS_IMDSV1_FALLBACK
  AWS_REGION, AWS_DEFAULT_REGION
  AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT (MinIO, R2, Ceph, …)
  AWS_VIRTUAL_HOSTED_STYLE_REQUEST, AWS_S3_EXPRESS, AWS_REQUEST_PAYER
  AWS_CA_BUNDLE     authorities beside those of the system
  AWS_SERVER_SIDE_ENCRYPTION, AWS_SSE_KMS_KEY_ID,
  AWS_SSE_BUCKET_KEY_ENABLED, AWS_SSE_CUSTOMER_KEY_BASE64
  AWS_CHECKSUM_ALGORITHM, AWS_CONDITIONAL_PUT, AWS_UNSIGNED_PAYLOAD,
  AWS_SKIP_SIGNATURE

Backups in gs:// (Google Cloud Storage):
  GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_SERVICE_ACCOUNT,
  GOOGLE_SERVICE_ACCOUNT_PATH, GOOGLE_SERVICE_ACCOUNT_KEY
  GOOGLE_BEARER_TOKEN, GOOGLE_SKIP_SIGNATURE, GOOGLE_BASE_URL,
  GOOGLE_ALLOW_HTTP

Backups in az:// (Azure Blob Storage; lines in brackets: other names):
  AZURE_STORAGE_ACCOUNT_NAME
  AZURE_STORAGE_ACCOUNT_KEY
    (AZURE_STORAGE_ACCESS_KEY, AZURE_STORAGE_MASTER_KEY)
  AZURE_STORAGE_SAS_TOKEN (AZURE_STORAGE_SAS_KEY), AZURE_STORAGE_TOKEN
  AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID, AZURE_AUTHORITY_HOST
    (AZURE_STORAGE_CLIENT_ID, AZURE_STORAGE_CLIENT_SECRET,
    AZURE_STORAGE_TENANT_ID, AZURE_AUTHORITY_ID, AZURE_STORAGE_AUTHORITY_ID,
    AZURE_STORAGE_AUTHORITY_HOST)
  AZURE_FEDERATED_TOKEN_FILE, AZURE_MSI_ENDPOINT (AZURE_IDENTITY_ENDPOINT),
  AZURE_OBJECT_ID, AZURE_MSI_RESOURCE_ID
  AZURE_CREDENTIAL_TYPE, AZURE_USE_AZURE_CLI, AZURE_SKIP_SIGNATURE
  AZURE_STORAGE_ENDPOINT (AZURE_ENDPOINT), AZURE_USE_FABRIC_ENDPOINT,
  AZURE_STORAGE_USE_EMULATOR, AZURE_ALLOW_HTTP
  AZURE_STORAGE_ENCRYPTION_KEY

For all three HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are obeyed.

Folders:
  HOME, XDG_CONFIG_HOME, XDG_DATA_HOME

Flags are stronger than the environment, which is stronger than files. skyteam config show prints every setting and where
it came from.";

const CONFIG: &str = "\
Which database, from strongest to weakest:
  1. --database-url URL, or -p PROFILE
  2. the environment: DATABASE_URL, SKYTEAM_PROFILE
  3. the nearest .env, from the current folder upward
  4. skyteam.toml in the current folder or above
  5. skyteam.toml in ~/.config/skyteam (XDG_CONFIG_HOME)
  6. the embedded default: SQLite in ~/.local/share/skyteam (XDG_DATA_HOME)

A source that exists but cannot be read is an error (exit 6), never skipped. A .env or skyteam.toml that another user owns
or may write is not read unless skyteam config trust PATH allowed it.

A skyteam.toml:
  tz = \"Europe/Amsterdam\"

  [profiles.prod]
  url_env = \"PROD_DATABASE_URL\"   # or url = \"postgres://…\"
  kind = \"production\"             # local, staging or production
  award_limit = 10000             # an award over this asks first
  completions = true              # names of this database on Tab

Commands:
  skyteam config init             # writes a first skyteam.toml
  skyteam config path             # which files were looked for
  skyteam config show             # every setting and where it came from";

const REFERENCES: &str = "\
References, each tried in this order:
  user       @name; digits: the userId; else the name, in any case
  airline    airlineId, the exact name, a code of one of its brands
  brand      brandId, IATA code, ICAO code or callsign, in any case
  flight     UUID, or its first 4 characters or more;
             DL123: the one such flight that has not ended;
             DL123@2026-11-26: the one of that day in --tz
  product    productId, or airline/name
  entry      UUID of a ledger entry or batch, or its first 4 characters

A reference that means several things is exit 4, and lists them.";

const TIMES: &str = "\
Times are written:
  now
  -2h  +3d  -90m  +45s  -1w       # from now
  2026-11-22                      # 00:00 of that day
  2026-11-22 18:00
  2026-11-22T18:00:00+01:00       # RFC 3339
  2026-11-22T17:00:00Z

A time without a zone is read in --tz (SKYTEAM_TZ, or tz in skyteam.toml; UTC by default), and the instant that it became is
shown before it is stored. Tables show times in that zone; JSON and CSV are RFC 3339 in UTC.";

const OUTPUT: &str = "\
Formats of -o:
  table    for people; fits the terminal
  json     a list is an array, one thing is an object; --json is the same
  ndjson   one object a line
  csv      RFC 4180, with a header
  md       Markdown
  sql      db diff and db schema
  mermaid  db schema
  drizzle  db schema
  prometheus  db doctor

Lists:
  --columns a,b,c    these columns, in this order
  --sort -miles,username
  --limit N, --all   a list on a terminal shows 50 rows
  --wide             columns that a narrow terminal hides

The answer is on stdout and nothing else; notes, questions and errors are on stderr. Piped, a list is complete, nothing is
cut and no colour is sent. Keys of JSON are the names of columns; ids are strings; times are RFC 3339 in UTC.

On a terminal an answer that is longer than the screen goes through a pager: SKYTEAM_PAGER, PAGER, or less; --no-pager
prints it straight.";

#[cfg(test)]
mod tests {
    use super::ENVIRONMENT;
    use crate::backup::store::object::variables::{AWS, AZURE, GOOGLE};

    #[test]
    fn every_variable_of_the_object_stores_is_named_and_no_other() {
        let words = ENVIRONMENT.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let mut named: Vec<&str> =
            words.filter(|word| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| word.starts_with(prefix))).collect();
        let mut read = [&AWS[..], &GOOGLE, &AZURE].concat();
        named.sort_unstable();
        read.sort_unstable();
        assert_eq!(named, read);
    }
}
