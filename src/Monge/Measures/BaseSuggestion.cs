namespace Monge.Measures;

/// <summary>A starting law that covers a target, in unconstrained coordinates.</summary>
/// <param name="Center">The centre [d].</param>
/// <param name="Scale">The standard deviation along each coordinate [d].</param>
/// <param name="Source">How it was found.</param>
public sealed record BaseSuggestion(double[] Center, double[] Scale, string Source)
{
    /// <summary>Half-widths [d] of a box around the centre that holds the target; null if none is suggested.</summary>
    public double[]? BoxHalfWidths { get; init; }

    /// <summary>A lower triangular factor L [d, d] of the covariance L L^T; null for independent coordinates.</summary>
    public double[,]? CovarianceFactor { get; init; }

    /// <summary>Whether the numbers were chosen knowing where the modes are; such a start must be labelled in any comparison.</summary>
    public bool UsesModeKnowledge { get; init; }

    /// <summary>The modes that a search found; null where none was made.</summary>
    public FoundModes? Modes { get; init; }

    /// <summary>The Gaussian of this suggestion, with its covariance factor if there is one.</summary>
    /// <param name="inflation">What standard deviations are multiplied by.</param>
    public GaussianBase ToGaussian(double inflation = 1) => CovarianceFactor is { } factor
        ? GaussianBase.Full(Center, factor).Inflate(inflation)
        : GaussianBase.Diagonal(Center, Scale).Inflate(inflation);

    /// <summary>The box of this suggestion: its half-widths, or four standard deviations where it has none.</summary>
    public BoxBase ToBox()
    {
        var half = BoxHalfWidths ?? [.. Scale.Select(s => 4 * s)];
        return new BoxBase([.. Center.Zip(half, (c, h) => c - h)], [.. Center.Zip(half, (c, h) => c + h)]);
    }

    /// <summary>The same suggestion for every coordinate.</summary>
    internal static BaseSuggestion Isotropic(int dimension, double scale, double box, string source, bool modes) =>
        new(new double[dimension], Filled(dimension, scale), source) { BoxHalfWidths = Filled(dimension, box), UsesModeKnowledge = modes };

    private static double[] Filled(int dimension, double value)
    {
        var values = new double[dimension];
        Array.Fill(values, value);
        return values;
    }
}
