//! `extractor serve`: everything in one process, with nothing but a folder.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::parts::{self, Parts, VISIBILITY};
use super::{DataDir, ServeError, cluster, http, stop_signal};
use crate::api::{self, ApiConfig};
use crate::blobs::Directory;
use crate::clock::now_ms;
use crate::config::{SecretFile, ServeArgs};
use crate::dependencies::Dependencies;
use crate::metrics::Metrics;
use crate::queue::LocalQueue;
use crate::store::{DatabaseUrl, Store};
use crate::telemetry;

/// Attempts at one job.
const DELIVERIES: u32 = 5;

/// Serves until told to stop.
pub async fn serve(args: ServeArgs) -> Result<(), ServeError> {
    telemetry::start(&args.operations.log.log)?;
    let stop = stop_signal()?;
    let folder = DataDir::open(&args.data_dir)?;
    let keys = Keys::of(&args, &folder)?;
    let public = http::listen(args.listen).await?;
    let operations = http::listen(args.operations.metrics_address).await?;
    // The port may have been left to the system (`:0`), so ask what it has become.
    let address = public.local_addr().map_err(ServeError::Http)?;
    let url = args
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{address}"));
    let parts = open(&folder, &url, &keys).await?;
    let concurrency = usize::from(args.work.concurrency);
    let extraction = parts::extraction(&args.reading, args.size, concurrency).await?;
    let state = parts.api_state(api_config(&args, &keys)?);
    let worker = parts.worker(extraction, args.work);
    let sweeper = cluster::sweeper(&parts, args.retention.period());
    sweeper.refill().await?;
    let relay = cluster::relay(&parts);
    parts.ready.store(true, Ordering::Relaxed);
    greet(&url, &keys.admin);
    let served = async {
        tokio::join!(
            async {
                let _the_rest_ends_with_it = stop.clone().drop_guard();
                http::serve(public, api::router(state), stop.clone()).await
            },
            relay.run(stop.clone()),
            sweeper.run(stop.clone()),
            worker.run(stop.clone()),
        )
        .0
    };
    cluster::beside(&parts, operations, served).await
}

fn api_config(args: &ServeArgs, keys: &Keys) -> Result<ApiConfig, ServeError> {
    let types = parts::document_types(&args.documents)?;
    let config = ApiConfig::new(types, keys.admin.clone(), keys.signing.clone());
    Ok(config.within(args.size, args.limits))
}

struct Keys {
    admin: SecretFile,
    signing: SecretFile,
}

impl Keys {
    fn of(args: &ServeArgs, folder: &DataDir) -> Result<Self, ServeError> {
        let given_or = |given: &Option<SecretFile>, name, prefix| match given {
            Some(file) => Ok(file.clone()),
            None => folder.key(name, prefix),
        };
        let keys = Self {
            admin: given_or(&args.admin_key_file, "admin-key", "xk_")?,
            signing: given_or(&args.token_signing_key_file, "token-signing-key", "")?,
        };
        keys.admin.read()?;
        keys.signing.read()?;
        Ok(keys)
    }
}

async fn open(folder: &DataDir, url: &str, keys: &Keys) -> Result<Parts, ServeError> {
    let health = Dependencies::default();
    let location = DatabaseUrl::Sqlite(folder.database());
    let store = Store::open(location, 1, Some(parts::observer(&health.database))).await?;
    store.migrate(now_ms()).await?;
    let blobs = Directory::open(
        &folder.objects(),
        url,
        keys.signing.clone(),
        health.storage.clone(),
    )?;
    Ok(Parts {
        store,
        queue: Arc::new(LocalQueue::new(
            VISIBILITY,
            DELIVERIES,
            health.queue.clone(),
        )),
        blobs: Arc::new(blobs),
        health,
        metrics: Metrics::default(),
        wake: Arc::default(),
        ready: Arc::default(),
    })
}

/// The first thing a person needs: the key's place, and three lines to paste.
#[expect(
    clippy::print_stdout,
    reason = "for the person who started it by hand; logs go to standard error"
)]
fn greet(url: &str, admin: &SecretFile) {
    let key = admin.path().display();
    println!(
        "Serving on {url}; the admin key is in {key}. Try:

  export KEY=$(cat {key})
  curl -sS -H \"Authorization: Bearer $KEY\" -F document_type=Invoice -F file=@invoice.pdf {url}/api/v1/documents
  curl -sS -H \"Authorization: Bearer $KEY\" {url}/api/v1/jobs
  curl -sS -H \"Authorization: Bearer $KEY\" {url}/api/v1/jobs/JOB_ID/result
"
    );
}
