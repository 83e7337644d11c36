//! The variables of the environment that say which service is spoken to, and how. One that is not listed here is not read,
//! so that the help can name all of them.

use std::collections::BTreeMap;

use super::url::Service;

/// Of S3. Those that end in another program's files or in the machine's own role are read here, the rest by the library.
pub(crate) const AWS: [&str; 34] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_CA_BUNDLE",
    "AWS_CHECKSUM_ALGORITHM",
    "AWS_CONDITIONAL_PUT",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IMDSV1_FALLBACK",
    "AWS_METADATA_ENDPOINT",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_REQUEST_PAYER",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_S3_EXPRESS",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_SKIP_SIGNATURE",
    "AWS_SSE_BUCKET_KEY_ENABLED",
    "AWS_SSE_CUSTOMER_KEY_BASE64",
    "AWS_SSE_KMS_KEY_ID",
    "AWS_TOKEN",
    "AWS_UNSIGNED_PAYLOAD",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// Of Google Cloud Storage.
pub(crate) const GOOGLE: [&str; 8] = [
    "GOOGLE_ALLOW_HTTP",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_BASE_URL",
    "GOOGLE_BEARER_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SKIP_SIGNATURE",
];

/// Of Azure Blob Storage.
pub(crate) const AZURE: [&str; 31] = [
    "AZURE_ALLOW_HTTP",
    "AZURE_AUTHORITY_HOST",
    "AZURE_AUTHORITY_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CREDENTIAL_TYPE",
    "AZURE_ENDPOINT",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_IDENTITY_ENDPOINT",
    "AZURE_MSI_ENDPOINT",
    "AZURE_MSI_RESOURCE_ID",
    "AZURE_OBJECT_ID",
    "AZURE_SKIP_SIGNATURE",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_AUTHORITY_HOST",
    "AZURE_STORAGE_AUTHORITY_ID",
    "AZURE_STORAGE_CLIENT_ID",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_STORAGE_ENCRYPTION_KEY",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_STORAGE_MASTER_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TENANT_ID",
    "AZURE_STORAGE_TOKEN",
    "AZURE_STORAGE_USE_EMULATOR",
    "AZURE_TENANT_ID",
    "AZURE_USE_AZURE_CLI",
    "AZURE_USE_FABRIC_ENDPOINT",
];

/// What the environment says about a service, by names in lower case, as the library has them. Empty values say nothing.
pub(super) fn of(service: Service, environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let known: &[&str] = match service {
        Service::S3 => &AWS,
        Service::Google => &GOOGLE,
        Service::Azure => &AZURE,
    };
    let set = environment.iter().filter(|(name, value)| known.contains(&name.as_str()) && !value.is_empty());
    set.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use object_store::aws::AmazonS3ConfigKey;
    use object_store::azure::AzureConfigKey;
    use object_store::gcp::GoogleConfigKey;

    use super::*;

    #[test]
    fn each_is_read_by_the_library_or_here() {
        let here = [
            "AWS_CA_BUNDLE",
            "AWS_CONFIG_FILE",
            "AWS_EC2_METADATA_DISABLED",
            "AWS_PROFILE",
            "AWS_SHARED_CREDENTIALS_FILE",
        ];
        for name in AWS {
            let known = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().is_ok();
            assert_ne!(known, here.contains(&name), "{name}");
        }
        for name in GOOGLE {
            assert!(name.to_ascii_lowercase().parse::<GoogleConfigKey>().is_ok(), "{name}");
        }
        for name in AZURE {
            assert!(name.to_ascii_lowercase().parse::<AzureConfigKey>().is_ok(), "{name}");
        }
    }

    #[test]
    fn what_would_undo_the_programs_own_choices_is_not_passed_on() {
        let environment = [
            ("AWS_REGION", "eu-central-1"),
            ("AWS_BUCKET", "theirs"),
            ("AWS_DISABLE_BULK_DELETE", "false"),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_TOKEN", ""),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let found = of(Service::S3, &environment);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [("aws_region".to_owned(), "eu-central-1".to_owned())]);
    }
}
