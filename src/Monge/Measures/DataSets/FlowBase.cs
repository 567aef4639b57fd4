using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>Where a fitted transport starts, in the model's coordinates: a centred Gaussian, a Gaussian mixture, or the rows of a table or sampler.</summary>
public sealed class FlowBase
{
    private FlowBase(bool isGaussian, MixtureBase? mixture) => (IsGaussian, Mixture) = (isGaussian, mixture);

    /// <summary>Standard normal numbers times a scale that the model has.</summary>
    public static FlowBase Gaussian { get; } = new(isGaussian: true, null);

    /// <summary>Rows that are given, of a law whose density isn't known.</summary>
    public static FlowBase Rows { get; } = new(isGaussian: false, null);

    /// <summary>Whether it is the Gaussian.</summary>
    public bool IsGaussian { get; }

    /// <summary>The mixture; null for another base.</summary>
    public MixtureBase? Mixture { get; }

    /// <summary>Whether the density is known, without which there is no log density of rows, and nothing to generate from.</summary>
    public bool HasDensity => IsGaussian || Mixture is not null;

    /// <summary>A mixture.</summary>
    /// <param name="mixture">Its law.</param>
    public static FlowBase Of(MixtureBase mixture)
    {
        ArgumentNullException.ThrowIfNull(mixture);
        return new FlowBase(isGaussian: false, mixture);
    }

    /// <summary>Draws positions [n, d].</summary>
    /// <param name="count">n.</param>
    /// <param name="dimension">d.</param>
    /// <param name="scale">The standard deviation of a Gaussian.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="threads">Threads, 0 for all; no number depends on it.</param>
    /// <exception cref="InvalidOperationException">The density isn't known.</exception>
    public NdArray<float> Draw(int count, int dimension, double scale, ulong seed, int threads = 0)
    {
        RequireDensity();
        if (Mixture is not null)
        {
            return Mixture.Draw(count, new RandomStream(seed, MeasureStreams.Start));
        }

        var start = new NdArray<float>(count, dimension);
        var noise = new TracedProgram(null, ("x", (float)scale * Expr.Random(RandomLaw.Normal, MeasureStreams.Start, dimension)));
        using var draw = new CompiledProgram<float>(noise, new ExecutionOptions { Threads = threads }) { ["x"] = start };
        draw.Run(count, new DrawKey(seed));
        return start;
    }

    /// <summary>The log density [n] of positions [n, d], in nats.</summary>
    /// <param name="positions">Positions [n, d].</param>
    /// <param name="scale">The standard deviation of a Gaussian.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    /// <exception cref="InvalidOperationException">The density isn't known.</exception>
    public double[] LogDensity(NdArray<double> positions, double scale, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(positions);
        RequireDensity();
        return Mixture?.Law.LogDensity(positions.Span.ToArray(), threads)
            ?? [.. Enumerable.Range(0, positions.Rows).Select(i => LogDensity(positions.Row(i), scale))];
    }

    /// <summary>The log density of a position [d], in nats.</summary>
    /// <param name="position">The position.</param>
    /// <param name="scale">The standard deviation of a Gaussian.</param>
    /// <exception cref="InvalidOperationException">The density isn't known.</exception>
    public double LogDensity(ReadOnlySpan<double> position, double scale)
    {
        RequireDensity();
        if (Mixture is not null)
        {
            return Mixture.Law.LogDensity(position.ToArray(), threads: 1)[0];
        }

        var squares = 0.0;
        foreach (var v in position)
        {
            squares += v * v;
        }

        return (-0.5 * squares / (scale * scale)) - (position.Length * (Math.Log(scale) + (0.5 * Math.Log(2 * Math.PI))));
    }

    /// <summary>Throws if the density isn't known.</summary>
    internal void RequireDensity()
    {
        if (!HasDensity)
        {
            throw new InvalidOperationException("The model's base is a data set, whose density isn't known; log densities need a Gaussian or mixture base.");
        }
    }
}
