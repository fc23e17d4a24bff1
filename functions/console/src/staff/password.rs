//! Passwords as hashes: Argon2id with the parameters OWASP names first (19 MiB, 2 passes, 1 lane), which a function of
//! 512 MB carries in about a third of a second.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use domain::staff::NewPassword;

/// Random bytes of one hash.
pub(crate) type Salt = [u8; 16];

/// What is compared when there is no account: the hash of random bytes nobody knows, so that the answer takes the same
/// time and is always no.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keS0$5m7Y1xTgqN4mB0mXzJ0m3gq0w8m6wq3b2Yt0o3kq8uE";

/// The hash cannot be made: no memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password cannot be hashed")]
pub(crate) struct HashError;

/// The hash of a password, as PHC text with its parameters.
pub(crate) fn hash(password: &NewPassword, salt: Salt) -> Result<String, HashError> {
    let hash = Argon2::default().hash_password_with_salt(password.expose().as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|_| HashError)
}

/// Whether this is the password of a hash. Without a hash it takes as long and is not.
pub(crate) fn is_right(password: &str, hash: Option<&str>) -> bool {
    let compared = PasswordHash::new(hash.unwrap_or(NOBODY));
    let fits = compared.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    fits && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_fits_its_hash() {
        let login = "liu.fang".parse().unwrap();
        let password = NewPassword::parse("correct horse", &login).unwrap();
        let kept = hash(&password, [7; 16]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_right("correct horse", Some(&kept)));
        assert!(!is_right("correct horsf", Some(&kept)));
        assert!(!is_right("correct horse", None));
        assert!(!is_right("correct horse", Some("no hash")));
        assert_ne!(hash(&password, [8; 16]).unwrap(), kept);
    }

    #[test]
    fn nobody_costs_as_much_as_somebody() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let (salt, output) = (nobody.salt.unwrap(), nobody.hash.unwrap());
        assert_eq!((salt.len(), output.len()), (14, 32));
        assert_eq!(nobody.params.to_string(), "m=19456,t=2,p=1");
    }
}
