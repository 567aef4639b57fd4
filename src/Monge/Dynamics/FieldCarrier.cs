using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;

namespace Monge.Dynamics;

/// <summary>How rows are carried along a learned field.</summary>
public sealed record FlowSettings
{
    /// <summary>
    /// Equal steps of the classical Runge-Kutta method (of an SDE: of its two-stage scheme); null chooses steps by the tolerance, and 200 for an SDE.
    /// </summary>
    public int? Steps { get; init; }

    /// <summary>Absolute and relative tolerance of the Dormand-Prince steps.</summary>
    public double Tolerance { get; init; } = 1e-5;

    /// <summary>
    /// eps of the SDE dX = (b + eps s) dt + sqrt(2 eps) dW in the model's coordinates; 0 for the ODE. An exact model has one law at t = 1 for all.
    /// </summary>
    public double Diffusion { get; init; }

    /// <summary>Whether eps is multiplied by the noise scale of the path, so that it vanishes where the score is largest.</summary>
    public bool VanishingDiffusion { get; init; }

    /// <summary>What the model's conditions are; null hides them.</summary>
    public ConditionValues? Given { get; init; }

    /// <summary>w of classifier-free guidance b = b_hidden + w (b_given - b_hidden): 1 is the conditional law itself, above 1 sharpens it.</summary>
    public double Guidance { get; init; } = 1;

    /// <summary>Probes of Hutchinson's estimate of the divergence; 0 for the exact divergence, which takes d times the work.</summary>
    public int Probes { get; init; }

    /// <summary>The Runge-Kutta method of equal steps; null for the classical one of order 4.</summary>
    public RungeKuttaTableau? Tableau { get; init; }

    /// <summary>Seed of the draws.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads, 0 for all.</summary>
    public int Threads { get; init; }
}

/// <summary>Carries rows [n, d] between t = 0 and t = 1 along a velocity's ODE or along the SDE with the score, and tells their densities.</summary>
/// <param name="parameters">The fields' parameters, declared.</param>
/// <param name="values">Their values [P].</param>
/// <param name="velocity">b.</param>
/// <param name="score">s; null if it isn't known.</param>
/// <param name="noiseScale">The scale of the noise in x_t at a traced time, by which a vanishing diffusion is multiplied; null without a score.</param>
/// <param name="noiseScaleAt">The same at a number.</param>
/// <param name="condition">Further inputs of the fields: their name, and their values [n, k] for a number of rows.</param>
/// <param name="settings">How.</param>
internal sealed class FieldCarrier(
    ParameterSet parameters, NdArray<float> values, IVectorField velocity, IVectorField? score, Func<Expr, Expr>? noiseScale,
    Func<double, double>? noiseScaleAt, (string Name, Func<int, float[]> Values)? condition, FlowSettings settings)
{
    private const int DefaultSdeSteps = 200;

    private readonly ExecutionOptions _execution = new() { Threads = settings.Threads };

    private RungeKuttaTableau Tableau => settings.Steps is null ? RungeKuttaTableau.DormandPrince54 : settings.Tableau ?? RungeKuttaTableau.RungeKutta4;

    private Func<Expr, Expr> Diffusion => settings.VanishingDiffusion ? t => settings.Diffusion * noiseScale!(t) : _ => settings.Diffusion;

    // eps of a step: the mean of its ends'.
    private Func<double, double, double> StepDiffusion => settings.VanishingDiffusion
        ? (from, to) => 0.5 * settings.Diffusion * (noiseScaleAt!(from) + noiseScaleAt(to))
        : (_, _) => settings.Diffusion;

    /// <summary>Carries rows.</summary>
    /// <exception cref="ArithmeticException">A row ends at a place that is not finite.</exception>
    public NdArray<T> Carry<T>(NdArray<T> start, double from, double to)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        NdArray<T> end;
        if (settings.Diffusion > 0)
        {
            var (diffusion, sign) = (Diffusion, to > from ? 1 : -1);
            var drift = new SumField(velocity, new ScaledField(t => sign * diffusion(t), score!));
            using var sde = FieldSde.Walk<T>(parameters, drift, SdeScheme.Heun, DynamicsStreams.SdeNoise, options: _execution);
            Condition<T>(sde.Bind, start.Rows);
            var grid = new TimeGrid(TimeGrid.EqualTimes(from, to, settings.Steps ?? DefaultSdeSteps), StepDiffusion);
            end = sde.Carry(Values<T>(), start, grid, new DrawKey(settings.Seed));
        }
        else
        {
            using var ode = new TransportOde<T>(parameters, velocity, Tableau, _execution, DivergenceMode.None);
            Condition<T>(ode.Bind, start.Rows);
            end = Run(ode, start, from, to).Positions;
        }

        for (var i = 0; i < end.Length; i++)
        {
            if (!T.IsFinite(end[i]))
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"Row {(i / end.RowLength) + 1} was carried to a place that is not finite; take more steps, or less diffusion or guidance."));
            }
        }

        return end;
    }

    /// <summary>
    /// The log density of rows at t = 1 under the ODE's law: log rho_0 at the other end minus the integral of the divergence (arXiv:2209.15571, section 2.3).
    /// </summary>
    /// <param name="end">Rows [n, d].</param>
    /// <param name="logBase">log rho_0 of rows [n, d].</param>
    /// <param name="logDeterminants">Those of the change from the model's coordinates to those of the density [n].</param>
    public double[] LogDensity(NdArray<double> end, Func<NdArray<double>, double[]> logBase, double[] logDeterminants)
    {
        var mode = settings.Probes > 0 ? DivergenceMode.Estimated : DivergenceMode.Exact;
        using var ode = new TransportOde<double>(parameters, velocity, Tableau, _execution, mode, Math.Max(1, settings.Probes));
        Condition<double>(ode.Bind, end.Rows);
        if (settings.Probes > 0)
        {
            var probes = new NdArray<double>(end.Rows, end.RowLength, settings.Probes);
            var random = new RandomStream(settings.Seed, DynamicsStreams.Probes);
            foreach (ref var value in probes.Span)
            {
                value = random.NextRademacher();
            }

            ode.BindProbes(probes);
        }

        var (start, divergence) = Run(ode, end, 1, 0);
        var result = logBase(start);
        for (var i = 0; i < result.Length; i++)
        {
            // The divergence was summed against time, so it enters with a plus.
            result[i] += divergence[i] - logDeterminants[i];
        }

        return result;
    }

    /// <summary>The log density of rows at t = 1 under the law of the SDE, by <see cref="FeynmanKacDensity"/>.</summary>
    public DensityEstimate[] FeynmanKac(NdArray<double> end, int paths, Func<ReadOnlySpan<double>, double> logBase)
    {
        var drift = new SumField(velocity, new ScaledField(Diffusion, score!));
        using var formula = new FeynmanKacDensity(parameters, drift, logBase, DynamicsStreams.PathNoise, _execution);
        Condition<double>(formula.Bind, end.Rows);
        return formula.Evaluate(Values<double>(), end, paths, settings.Steps ?? DefaultSdeSteps, StepDiffusion, new DrawKey(settings.Seed));
    }

    private (NdArray<T> Positions, NdArray<T> Divergence) Run<T>(TransportOde<T> ode, NdArray<T> start, double from, double to)
        where T : unmanaged, IFloatingPointIeee754<T> => settings.Steps is { } steps
        ? ode.Run(Values<T>(), start, from, to, steps)
        : ode.RunAdaptive(Values<T>(), start, from, to, settings.Tolerance, settings.Tolerance);

    private void Condition<T>(Action<string, NdArray<T>> bind, int rows)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (condition is { } given)
        {
            var numbers = given.Values(rows);
            bind(given.Name, Converted<T>(numbers, rows, numbers.Length / rows));
        }
    }

    private NdArray<T> Values<T>()
        where T : unmanaged, IFloatingPointIeee754<T> => values as NdArray<T> ?? Converted<T>(values.Span, values.Length);

    private static NdArray<T> Converted<T>(ReadOnlySpan<float> numbers, params ReadOnlySpan<int> sizes)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var result = new NdArray<T>(sizes);
        Numbers.Copy(numbers, result.Span);
        return result;
    }
}
