//! What a child gives up before it sees the first byte of a document.

use std::collections::BTreeMap;
use std::io;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr};
use rlimit::Resource;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads,
};

/// Files that a child holds open while it loads its models.
const OPEN_FILES: u64 = 64;

/// A right that could not be given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfineError {
    #[error("cannot set a resource limit: {0}")]
    Limit(#[from] io::Error),
    #[error("cannot rule out new privileges: {0}")]
    Privileges(#[from] rustix::io::Errno),
    #[error("cannot filter system calls: {0}")]
    Filter(#[from] seccompiler::Error),
    #[error("cannot build the filter of system calls: {0}")]
    Backend(#[from] seccompiler::BackendError),
    #[error("cannot shut the file system: {0}")]
    Files(#[from] landlock::RulesetError),
}

/// Bounds memory, processor time and files; nothing can be written and no core is dumped.
pub(super) fn resources(memory_bytes: u64, cpu_seconds: u64) -> Result<(), ConfineError> {
    for (resource, limit) in [
        (Resource::AS, memory_bytes),
        (Resource::CPU, cpu_seconds),
        (Resource::NOFILE, OPEN_FILES),
        (Resource::FSIZE, 0),
        (Resource::CORE, 0),
    ] {
        resource.set(limit, limit)?;
    }
    Ok(())
}

/// Shuts files, network, other processes and the kernel's odd corners for all threads.
pub(super) fn rights() -> Result<(), ConfineError> {
    rustix::thread::set_no_new_privs(true)?;
    // Kernels without landlock, or with an older one, shut what they can; the filter below shuts opening for all.
    Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .create()?
        .restrict_self()?;
    apply_filter_all_threads(&filter()?)?;
    Ok(())
}

/// Refused calls answer EACCES, so that a library that only wanted to look goes on without.
fn filter() -> Result<BpfProgram, ConfineError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    // Ending itself is all that a child may do to a process.
    let own = u64::from(std::process::id());
    for call in [libc::SYS_tgkill, libc::SYS_prlimit64] {
        let mut others = vec![SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Ne,
            own,
        )?];
        if call == libc::SYS_prlimit64 {
            others.push(SeccompCondition::new(
                0,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::Ne,
                0,
            )?);
        }
        rules.insert(call, vec![SeccompRule::new(others)?]);
    }
    // A thread is fine, a process is not.
    let is_process = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64),
        0,
    )?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![is_process])?]);
    let refused = SeccompAction::Errno(libc::EACCES as u32);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        refused,
        std::env::consts::ARCH.try_into()?,
    )?;
    Ok(filter.try_into()?)
}

const REFUSED: &[i64] = &[
    // Network.
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    // Files, for reading as well.
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_memfd_create,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    // Other processes. clone3 hides its flags from a filter; glibc falls back to clone only on ENOSYS, and a
    // thread that cannot be started is one we do not need.
    libc::SYS_clone3,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_unshare,
    libc::SYS_setns,
    // Odd corners of the kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_personality,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_link,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_symlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
];
