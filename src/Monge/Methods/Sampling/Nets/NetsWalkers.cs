using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Methods;

/// <summary>
/// Walkers along the path with log-weights since their start or last selection; for each n of them exp of these has the mean of the ratio of the normalisers.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal interface INetsWalkers<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    NdArray<T> Positions { get; }

    long TargetCalls { get; }

    void Start(NdArray<T> parameters, int particles, DrawKey draw);

    void Advance(NdArray<T> parameters, int particles, TimeGrid grid, DrawKey draw);

    /// <summary>The log-weights [n] at time t.</summary>
    double[] LogWeights(int particles, double t);

    /// <summary>Replaces each walker by a copy of its ancestor at time t, with weight 1.</summary>
    void Select(int[] ancestors, double t);
}

/// <summary>Overdamped walkers weighted by forward and backward kernels: V_t - V at the start + the kernels' gains.</summary>
/// <param name="sde">Moves them; disposed by its owner.</param>
/// <param name="values">V_t [n] of the first n positions at a time.</param>
internal sealed class KernelWalkers<T>(ParticleWalk<T> sde, Func<NdArray<T>, int, double, double[]> values) : INetsWalkers<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private double[] _reference = [];

    public NdArray<T> Positions => sde.Positions;

    public long TargetCalls => 0;

    public void Start(NdArray<T> parameters, int particles, DrawKey draw)
    {
        sde.Start(parameters, particles, draw);
        _reference = values(Positions, particles, 0);
    }

    public void Advance(NdArray<T> parameters, int particles, TimeGrid grid, DrawKey draw) => sde.Advance(parameters, particles, grid, draw);

    public double[] LogWeights(int particles, double t) => WeightedParticles.LogWeights(values(Positions, particles, t), _reference, sde["gain"]);

    public void Select(int[] ancestors, double t)
    {
        sde.Select(ancestors, "gain");
        _reference = values(Positions, ancestors.Length, t);
    }

    public void Dispose()
    {
    }
}

/// <summary>Walkers with the continuous weights, overdamped or with momenta.</summary>
/// <param name="walkers">Moves them.</param>
internal sealed class ContinuousWalkers<T>(ParticleWalk<T> walkers) : INetsWalkers<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public NdArray<T> Positions => walkers.Positions;

    public long TargetCalls => walkers.TargetCalls;

    public void Start(NdArray<T> parameters, int particles, DrawKey draw) => walkers.Start(parameters, particles, draw);

    public void Advance(NdArray<T> parameters, int particles, TimeGrid grid, DrawKey draw) => walkers.Advance(parameters, particles, grid, draw);

    public double[] LogWeights(int particles, double t) => WeightedParticles.LogWeights(new double[particles], new double[particles], walkers["logWeight"]);

    public void Select(int[] ancestors, double t) => walkers.Select(ancestors, "logWeight");

    public void Dispose() => walkers.Dispose();
}
