//! What a child gives up before it sees the first byte of a document.

use std::collections::BTreeMap;
use std::io;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus};
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

/// Shuts files, network, other processes and the kernel's odd corners for all threads. Returns how much of that
/// landlock does too, in words.
pub(super) fn rights() -> Result<&'static str, ConfineError> {
    rustix::thread::set_no_new_privs(true)?;
    // Kernels without landlock, or with an older one, shut what they can; the filter below shuts opening for all.
    let shut = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .create()?
        .restrict_self()?;
    apply_filter_all_threads(&filter()?)?;
    Ok(match shut.ruleset {
        RulesetStatus::FullyEnforced => "fully enforced",
        RulesetStatus::PartiallyEnforced => "partially enforced",
        RulesetStatus::NotEnforced => "not enforced",
    })
}

/// Refused calls answer EACCES, so that a library that only wanted to look goes on without.
fn filter() -> Result<BpfProgram, ConfineError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED
        .iter()
        .copied()
        .chain(x32())
        .map(|call| (call, Vec::new()))
        .collect();
    rules.extend(own_process_only()?);
    let refused = SeccompAction::Errno(libc::EACCES as u32);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        refused,
        std::env::consts::ARCH.try_into()?,
    )?;
    Ok(filter.try_into()?)
}

/// Ending itself is all that a child may do to a process; a new thread is fine, a new process is not.
fn own_process_only() -> Result<BTreeMap<i64, Vec<SeccompRule>>, ConfineError> {
    let mut rules = BTreeMap::new();
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
    let is_process = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64),
        0,
    )?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![is_process])?]);
    Ok(rules)
}

/// libc names it for some architectures only; new calls have the same number on all.
const FCHMODAT2: i64 = 452;

/// Kernels may know the calls of the x32 architecture too, by numbers of their own that pass the filter as if they
/// belonged to x86-64: nearly all are the same with one bit more, the rest follow 512. None is ever ours.
fn x32() -> impl Iterator<Item = i64> {
    const BIT: i64 = 0x4000_0000;
    let numbers = if cfg!(target_arch = "x86_64") {
        0..600
    } else {
        0..0
    };
    numbers.map(|number| number | BIT)
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
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    FCHMODAT2,
    libc::SYS_mknodat,
    libc::SYS_truncate,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_inotify_init1,
    libc::SYS_fanotify_init,
    libc::SYS_memfd_create,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_quotactl,
    libc::SYS_acct,
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
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
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
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_personality,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
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
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mknod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_refused_twice_and_the_filter_can_be_built() {
        let different: std::collections::BTreeSet<_> = REFUSED.iter().collect();
        assert_eq!(different.len(), REFUSED.len());
        assert!(!filter().expect("builds").is_empty());
    }
}
