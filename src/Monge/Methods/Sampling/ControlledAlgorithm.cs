namespace Monge.Methods;

/// <summary>The trajectory-based samplers: one algorithm with different kernels (<see cref="Dynamics.KernelSchedule"/>).</summary>
public enum ControlledAlgorithm
{
    /// <summary>Path integral sampler: controlled Brownian motion from one point.</summary>
    Pis,

    /// <summary>Time-reversed diffusion sampler.</summary>
    Dis,

    /// <summary>Denoising diffusion sampler: a controlled stationary Ornstein-Uhlenbeck process.</summary>
    Dds,

    /// <summary>General bridge sampler: forward and backward control are both learned.</summary>
    Gbs,

    /// <summary>Controlled Monte Carlo diffusion: annealed Langevin dynamics with a control.</summary>
    Cmcd,
}

/// <summary>The score that a control sees through its gate.</summary>
public enum ScoreGate
{
    /// <summary>No score: a plain network.</summary>
    None,

    /// <summary>The score of the target at every time.</summary>
    Target,

    /// <summary>The score of the geometric path from the base to the target at the time.</summary>
    Interpolated,
}
