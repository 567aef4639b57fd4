using Monge.Data;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Runs;

/// <summary>How the law of a column with probabilities is written, given numbers that a network makes.</summary>
public enum DiscreteFamily
{
    /// <summary>A probability for each class, or for each whole number between two bounds.</summary>
    Softmax,

    /// <summary>A mixture of logistic laws cut into bins around the whole numbers, within the bounds that there are (arXiv:1701.05517).</summary>
    Logistics,
}

/// <summary>
/// The law of one column with probabilities: a traced loss to learn it by, and exact probabilities and draws from a network's numbers. All probabilities of a
/// column sum to one, bounds included.
/// </summary>
/// <param name="Type">The column's type.</param>
/// <param name="Family">How its law is written.</param>
/// <param name="Tilt">What is added to the log probability of each value before they are made to sum to one; empty for nothing.</param>
internal sealed record DiscreteHead(ColumnType Type, DiscreteFamily Family, IReadOnlyList<double> Tilt)
{
    private const int Components = 8;

    // Scales of a component, in bins and in standard deviations of the column.
    private const double LeastScaleOfBin = 0.1;
    private const double MostScale = 20;
    private const double FirstScale = 0.5;
    private const double FirstSpread = 1.5;
    private const double LargestWhole = 9e15;
    private const double LeastShare = 1e-17;

    /// <summary>The numbers that a network gives.</summary>
    public int Outputs => Family == DiscreteFamily.Logistics ? 3 * Components : Values;

    /// <summary>The number of values, where they are few; else 0.</summary>
    public int Values => Type.Kind == ColumnKind.Integer ? Type.Singles : Type.Classes;

    /// <summary>The code of the first value.</summary>
    public double First => Type.Kind == ColumnKind.Integer ? Type.Lower!.Value : 0;

    private double HalfBin => 0.5 / Type.Scale;

    /// <summary>The families that a column can have.</summary>
    public static IEnumerable<DiscreteHead> Of(ColumnType type) => type.Kind != ColumnKind.Integer ? [new(type, DiscreteFamily.Softmax, [])]
        : type.Singles == 0 ? [new(type, DiscreteFamily.Logistics, [])]
        : [new(type, DiscreteFamily.Softmax, []), new(type, DiscreteFamily.Logistics, [])];

    /// <summary>The negative log probability of a row, a scalar.</summary>
    /// <param name="outputs">The network's numbers.</param>
    /// <param name="features">The column's features in the row.</param>
    public Expr Loss(Expr outputs, Expr features)
    {
        if (Family == DiscreteFamily.Softmax)
        {
            var chosen = Type.Kind == ColumnKind.Integer ? features[1..] : features;
            return outputs.LogSumExp() - (outputs * chosen).Sum();
        }

        var (weights, means, scales) = (outputs[..Components], outputs[Components..(2 * Components)], outputs[(2 * Components)..]);
        means += Expr.Constant(FirstMeans(), Components);
        var scale = (scales + Math.Log(FirstScale)).Clamp(Math.Log(LeastScaleOfBin * 2 * HalfBin), Math.Log(MostScale)).Exp();
        Expr Place(Expr edge) => (edge - means) / scale;
        Expr Width(double bins) => -((-2 * HalfBin * bins) / scale).Expm1();
        var value = features[0];
        var (low, high) = (Place(value - HalfBin), Place(value + HalfBin));
        var mass = Width(1).Log() - (-high).Softplus() - low.Softplus();
        var bounds = Bounds();
        var all = bounds.Lower is { } lower && bounds.Upper is { } upper
            ? Width(Type.Upper!.Value - Type.Lower!.Value + 1).Log() - (-Place(upper)).Softplus() - Place(lower).Softplus()
            : bounds.Lower is { } least ? -Place(least).Softplus()
            : bounds.Upper is { } most ? -(-Place(most)).Softplus() : (Expr)0;
        return weights.LogSumExp() - (weights + mass - all).LogSumExp();
    }

    /// <summary>The log probability of a code.</summary>
    /// <param name="outputs">The network's numbers.</param>
    /// <param name="code">The code.</param>
    public double LogProbability(ReadOnlySpan<float> outputs, double code)
    {
        if (Tilt.Count > 0)
        {
            return LogProbabilities(outputs)[(int)(code - First)];
        }

        return Untilted(outputs, code);
    }

    /// <summary>The log probabilities of all values, where they are few.</summary>
    /// <param name="outputs">The network's numbers.</param>
    public double[] LogProbabilities(ReadOnlySpan<float> outputs)
    {
        var logs = new double[Values];
        for (var v = 0; v < logs.Length; v++)
        {
            logs[v] = Untilted(outputs, First + v) + (Tilt.Count > 0 ? Tilt[v] : 0);
        }

        var all = LogSumExp(logs);
        return Array.ConvertAll(logs, log => log - all);
    }

    private double Untilted(ReadOnlySpan<float> outputs, double code)
    {
        if (Family == DiscreteFamily.Softmax)
        {
            return outputs[(int)(code - First)] - LogSumExp(outputs);
        }

        Span<double> terms = stackalloc double[Components];
        for (var k = 0; k < Components; k++)
        {
            var (mean, scale) = Component(outputs, k);
            var value = (code - Type.Centre) / Type.Scale;
            var (low, high) = ((value - HalfBin - mean) / scale, (value + HalfBin - mean) / scale);
            var (from, to) = Ends(mean, scale);
            terms[k] = outputs[k] + LogMass(low, high) - LogMass(from, to);
        }

        return LogSumExp(terms) - LogSumExp(outputs[..Components]);
    }

    /// <summary>Draws a code.</summary>
    /// <param name="outputs">The network's numbers.</param>
    /// <param name="random">Where from.</param>
    public double Draw(ReadOnlySpan<float> outputs, RandomStream random)
    {
        if (Tilt.Count > 0)
        {
            return First + random.NextCategorical(Array.ConvertAll(LogProbabilities(outputs), Math.Exp));
        }

        if (Family == DiscreteFamily.Softmax)
        {
            return First + Choose(outputs, random);
        }

        var (mean, scale) = Component(outputs, Choose(outputs[..Components], random));
        var (from, to) = Ends(mean, scale);

        // The inverse of the distribution function between the bounds, from the side on which it keeps its digits.
        var u = Math.Max(random.NextDouble(), LeastShare);
        var isMirrored = from > 0;
        (from, to) = isMirrored ? (-to, -from) : (from, to);
        var (below, above) = (Sigmoid(from), Sigmoid(to));
        var share = below + (u * (above - below));
        var place = Math.Log(share) - double.LogP1(-share);
        place = Math.Clamp(double.IsFinite(place) ? place : share < 0.5 ? from : to, from, to);
        var drawn = Math.Round(Type.Centre + (Type.Scale * (mean + (scale * (isMirrored ? -place : place)))));
        return Math.Clamp(drawn, Type.Lower ?? -LargestWhole, Type.Upper ?? LargestWhole) + 0.0;
    }

    private static double[] FirstMeans() => [.. Enumerable.Range(0, Components).Select(k => FirstSpread * ((2.0 * k / (Components - 1)) - 1))];

    private (double? Lower, double? Upper) Bounds() => (
        Type.Lower is { } lower ? ((lower - Type.Centre) / Type.Scale) - HalfBin : null,
        Type.Upper is { } upper ? ((upper - Type.Centre) / Type.Scale) + HalfBin : null);

    private (double From, double To) Ends(double mean, double scale)
    {
        var (lower, upper) = Bounds();
        return (lower is { } l ? (l - mean) / scale : double.NegativeInfinity, upper is { } u ? (u - mean) / scale : double.PositiveInfinity);
    }

    private (double Mean, double Scale) Component(ReadOnlySpan<float> outputs, int k) => (
        FirstMeans()[k] + outputs[Components + k],
        Math.Exp(Math.Clamp(outputs[(2 * Components) + k] + Math.Log(FirstScale), Math.Log(LeastScaleOfBin * 2 * HalfBin), Math.Log(MostScale))));

    private static int Choose(ReadOnlySpan<float> logits, RandomStream random)
    {
        var (u, all, sum) = (random.NextDouble(), LogSumExp(logits), 0.0);
        for (var k = 0; k < logits.Length; k++)
        {
            sum += Math.Exp(logits[k] - all);
            if (u < sum)
            {
                return k;
            }
        }

        return logits.Length - 1;
    }

    // log(sigmoid(high) - sigmoid(low)), from whichever side keeps its digits.
    private static double LogMass(double low, double high) =>
        Math.Log(-Expm1(low - high)) - Softplus(-high) - Softplus(low);

    private static double Expm1(double x) => Math.Abs(x) > 1e-5 ? Math.Exp(x) - 1 : x + (0.5 * x * x);

    private static double Softplus(double x) => double.IsNegativeInfinity(x) ? 0 : Math.Max(x, 0) + double.LogP1(Math.Exp(-Math.Abs(x)));

    private static double Sigmoid(double x) => x >= 0 ? 1 / (1 + Math.Exp(-x)) : Math.Exp(x) / (1 + Math.Exp(x));

    private static double LogSumExp(ReadOnlySpan<float> values)
    {
        Span<double> all = values.Length <= 1024 ? stackalloc double[values.Length] : new double[values.Length];
        for (var k = 0; k < values.Length; k++)
        {
            all[k] = values[k];
        }

        return LogSumExp(all);
    }

    private static double LogSumExp(ReadOnlySpan<double> values)
    {
        var largest = double.NegativeInfinity;
        foreach (var value in values)
        {
            largest = Math.Max(largest, value);
        }

        var sum = 0.0;
        foreach (var value in values)
        {
            sum += Math.Exp(value - largest);
        }

        return largest + Math.Log(sum);
    }
}
