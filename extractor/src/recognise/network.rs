//! The OpenVINO runtime: loads its library and the networks from a folder, and runs them.

use std::path::{Path, PathBuf};

use openvino::{
    CompiledModel, Core, DeviceType, ElementType, InferRequest, RwPropertyKey, Shape, Tensor,
};

/// What can go wrong with the engine itself; none of it is the document's fault.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There are no models in the folder.
    #[error("no OCR models in {}: run extractor/models/build (or `make models`), or set EXTRACTION_MODELS_DIR", .0.display())]
    ModelsMissing(PathBuf),
    /// The shared library does not load.
    #[error("cannot load the OpenVINO runtime: {0}")]
    Library(String),
    /// A model does not load.
    #[error("cannot load the model {name}: {source}")]
    Model {
        /// File name without extension.
        name: &'static str,
        /// What the runtime says.
        source: openvino::InferenceError,
    },
    /// Running a network failed, e.g. for want of memory.
    #[error("cannot run a network: {0}")]
    Run(#[from] openvino::InferenceError),
}

/// A folder that `extractor/models/build` has made; the libraries lie in `../lib` of it.
#[derive(Clone, Debug)]
pub struct ModelFolder(PathBuf);

impl ModelFolder {
    /// Takes `configured`, else the newest folder in the cache of this user.
    ///
    /// # Errors
    /// [`EngineError::ModelsMissing`] when a file is missing.
    pub fn locate(configured: Option<&Path>) -> Result<Self, EngineError> {
        let folder = configured.map_or_else(default_folder, Path::to_path_buf);
        let folder = folder.canonicalize().unwrap_or(folder);
        let found = Self(folder);
        let wanted = [
            found.file("detector.xml"),
            found.file("recogniser.xml"),
            found.file("characters.txt"),
            found.library(),
        ];
        if wanted.iter().all(|path| path.is_file()) {
            Ok(found)
        } else {
            Err(EngineError::ModelsMissing(found.0))
        }
    }

    /// The folder with the models itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn library(&self) -> PathBuf {
        self.0
            .parent()
            .unwrap_or(&self.0)
            .join("lib/libopenvino_c.so")
    }
}

fn default_folder() -> PathBuf {
    let cache = std::env::var_os("EXTRACTION_CACHE").map(PathBuf::from);
    let home = || {
        PathBuf::from(std::env::var_os("HOME").unwrap_or_default())
            .join(".cache/extraction-operator")
    };
    cache.unwrap_or_else(home).join("models/models")
}

/// Loads networks; keeps one thread per process, because two processes beat two threads.
pub(super) struct Runtime {
    core: Core,
}

impl Runtime {
    pub(super) fn load(folder: &ModelFolder) -> Result<Self, EngineError> {
        openvino_sys::library::load_from(folder.library()).map_err(EngineError::Library)?;
        let mut core = Core::new().map_err(|e| EngineError::Library(e.to_string()))?;
        let precision = if has_bf16() { "bf16" } else { "f32" };
        core.set_properties(
            &DeviceType::CPU,
            [
                (RwPropertyKey::InferenceNumThreads, "1"),
                (RwPropertyKey::NumStreams, "1"),
                (RwPropertyKey::HintEnableCpuPinning, "NO"),
                (RwPropertyKey::HintInferencePrecision, precision),
            ],
        )?;
        Ok(Self { core })
    }

    pub(super) fn network(
        &mut self,
        folder: &ModelFolder,
        name: &'static str,
    ) -> Result<Network, EngineError> {
        let [xml, bin] = ["xml", "bin"].map(|kind| {
            folder
                .file(&format!("{name}.{kind}"))
                .to_string_lossy()
                .into_owned()
        });
        let failed = |source| EngineError::Model { name, source };
        let model = self.core.read_model_from_file(&xml, &bin).map_err(failed)?;
        let mut compiled = self
            .core
            .compile_model(&model, DeviceType::CPU)
            .map_err(failed)?;
        let request = compiled.create_infer_request().map_err(failed)?;
        Ok(Network {
            request,
            _compiled: compiled,
        })
    }
}

fn has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// A compiled network with one input and one output.
pub(super) struct Network {
    request: InferRequest,
    _compiled: CompiledModel,
}

impl Network {
    /// Runs the network on a zeroed input of `shape` after `fill` has written to it.
    pub(super) fn run(
        &mut self,
        shape: [u32; 4],
        fill: impl FnOnce(&mut [f32]),
    ) -> Result<Vec<f32>, EngineError> {
        let mut input = Tensor::new(ElementType::F32, &Shape::new(&shape.map(i64::from))?)?;
        fill(input.get_data_mut::<f32>()?);
        self.request.set_input_tensor(&input)?;
        self.request.infer()?;
        Ok(self
            .request
            .get_output_tensor()?
            .get_data::<f32>()?
            .to_vec())
    }
}
