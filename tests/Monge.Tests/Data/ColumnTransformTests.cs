using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Tests.Data;

/// <summary>Curves of columns with long tails: taken where few rows set the deviation, inverted exactly, and counted in densities.</summary>
public sealed class ColumnTransformTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Ordinary_columns_have_none(int law) => Assert.Null(ColumnTransform.Of(Draw(500, random => law switch
    {
        0 => random.NextNormal(),
        1 => random.NextDouble(),
        2 => Math.Exp(random.NextNormal()),
        _ => -Math.Log(random.NextDouble()),
    })));

    [Fact]
    public void Long_tails_are_learned_by_logarithms_or_inverse_hyperbolic_sines()
    {
        Assert.Equal(ColumnCurve.Logarithm, ColumnTransform.Of(Draw(2000, random => Math.Exp(2.3 * random.NextNormal())))?.Curve);
        Assert.Equal(ColumnCurve.InverseHyperbolicSine, ColumnTransform.Of(Draw(2000, random => random.NextNormal() / random.NextNormal()))?.Curve);
        var wild = Draw(2000, random => 100 + random.NextNormal());
        wild[7] = 1e9;
        var transform = ColumnTransform.Of(wild)!;
        Assert.Equal(ColumnCurve.InverseHyperbolicSine, transform.Curve);
        Assert.Equal(100, transform.Centre, 0.1);
        Assert.Equal(1, transform.Scale, 0.1);
        Assert.Null(ColumnTransform.Of([.. Enumerable.Range(0, 100).Select(i => i < 80 ? 0.0 : Math.Exp(i))]));
    }

    [Theory]
    [InlineData(ColumnCurve.Logarithm, 3.5e-7)]
    [InlineData(ColumnCurve.Logarithm, 8.25e11)]
    [InlineData(ColumnCurve.InverseHyperbolicSine, 2.5)]
    [InlineData(ColumnCurve.InverseHyperbolicSine, -4e3)]
    [InlineData(ColumnCurve.InverseHyperbolicSine, 1e9)]
    public void A_curve_is_inverted_and_its_slope_is_that_of_differences(ColumnCurve curve, double x)
    {
        var transform = curve == ColumnCurve.Logarithm ? new ColumnTransform(curve, 0, 1) : new ColumnTransform(curve, 2, 0.5);
        var v = transform.Apply(x);
        Assert.Equal(1, transform.Undo(v) / x, 1e-12);
        const double Step = 1e-5;
        Assert.Equal(Math.Log((transform.Undo(v + Step) - transform.Undo(v - Step)) / (2 * Step)), transform.LogSlope(x), 1e-6);
        Assert.True(double.IsFinite(transform.Undo(1e4)) && double.IsFinite(transform.Undo(-1e4)));
    }

    [Fact]
    public void A_standardisation_with_curves_is_inverted_and_other_columns_stay_as_they_are()
    {
        var tails = Draw(500, random => Math.Exp(3 * random.NextNormal()));
        var plain = Draw(500, random => 5 + (2 * random.NextNormal()));
        double[] rows = [.. tails.Zip(plain).SelectMany(pair => new[] { pair.First, pair.Second })];
        var curved = Standardisation.OfTails(rows, ["x", "y"], [true, true]);
        Assert.Equal([true, false], curved.Transforms.Select(t => t is not null));
        var (u, straight) = (curved.Apply(rows), Standardisation.Of(rows, 2, StandardisationKind.Columns));
        Assert.Equal(straight.Apply(rows).Where((_, i) => i % 2 == 1), u.Where((_, i) => i % 2 == 1));
        Assert.All(curved.Undo(u).Zip(rows), pair => Assert.Equal(1, pair.First / pair.Second, 1e-12));
        var determinants = curved.LogDeterminants(rows);
        Assert.Equal(curved.LogDeterminant + Math.Log(rows[6]), determinants[3], 1e-12);
        Assert.Empty(Standardisation.OfTails(rows, ["x", "y"], [false, true]).Transforms);
        var same = Standardisation.OfTails([.. plain], ["y"], [true]);
        Assert.Empty(same.Transforms);
        Assert.Equal(Standardisation.Of(plain, 1, StandardisationKind.Columns).Scales.ToArray(), same.Scales.ToArray());
    }

    private static double[] Draw(int count, Func<RandomStream, double> law)
    {
        var random = new RandomStream(3);
        return [.. Enumerable.Range(0, count).Select(_ => law(random))];
    }
}
