using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class TriangularMapTests
{
    private const int Samples = 4000;

    private static readonly double[] s_equal = [.. Enumerable.Repeat(1.0 / Samples, Samples)];

    private static double[] Draw(ulong seed, Func<double, double, double[]> of)
    {
        var random = new RandomStream(seed);
        return [.. Enumerable.Range(0, Samples).SelectMany(_ => of(random.NextNormal(), random.NextNormal()))];
    }

    private static double[] Bent(ulong seed) => Draw(seed, (a, b) => [b * Math.Exp(0.4 * a), a, (a * a) - (0.5 * a) + (0.1 * b)]);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void DeterminantAndPositionAgreeWithFiniteDifferences(ulong seed)
    {
        var map = TriangularMap.TryFit(Bent(seed), s_equal, 3, 1.2)!;
        var z = Expr.Input("z", 3);
        var (position, logDeterminant) = map.Apply(z);
        using var program = new CompiledProgram<double>(new TracedProgram(null, ("y", position), ("log", logDeterminant)));
        double[] at = [0.4, -1.1, 0.7];
        (program["z"], program["y"], program["log"]) = (NdArray<double>.From(at, 1, 3), new NdArray<double>(1, 3), new NdArray<double>(1));
        program.Run(1);
        var (y, matrix) = (new double[3], new double[3, 3]);
        map.Apply(at, y);
        Assert.All(Enumerable.Range(0, 3), i => Assert.Equal(y[i], program["y"][i], 12));
        for (var j = 0; j < 3; j++)
        {
            var (low, high) = (new double[3], new double[3]);
            map.Apply([.. at.Select((v, k) => k == j ? v - 1e-5 : v)], low);
            map.Apply([.. at.Select((v, k) => k == j ? v + 1e-5 : v)], high);
            for (var i = 0; i < 3; i++)
            {
                matrix[i, j] = (high[i] - low[i]) / 2e-5;
            }
        }

        var back = new double[3];
        map.Invert(y, back);
        Assert.All(Enumerable.Range(0, 3), i => Assert.Equal(at[i], back[i], 10));

        double Minor(int a, int b) => (matrix[1, a] * matrix[2, b]) - (matrix[1, b] * matrix[2, a]);
        var determinant = (matrix[0, 0] * Minor(1, 2)) - (matrix[0, 1] * Minor(0, 2)) + (matrix[0, 2] * Minor(0, 1));
        Assert.Equal(Math.Log(Math.Abs(determinant)), program["log"][0], 1e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ParabolaIsRecoveredWithItsScales(ulong seed)
    {
        var draws = Draw(seed, (a, b) => [(0.1 * b) - (2 * a * a) + 1, 3 * a]);
        var map = TriangularMap.TryFit(draws, s_equal, 2, 1)!;
        var y = new double[2];
        foreach (var (a, b) in new[] { (0.0, 0.0), (2.0, 1.0), (-3.0, -2.0) })
        {
            // The second coordinate leads, so z is (b, a).
            map.Apply([b, a], y);
            Assert.Equal((0.1 * b) - (2 * a * a) + 1, y[0], 0.15 + (0.06 * 2 * a * a));
            Assert.Equal(3 * a, y[1], 0.15 + (0.05 * 3 * Math.Abs(a)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void StraightDrawsAreNotBent(ulong seed)
    {
        Assert.Null(TriangularMap.TryFit(Draw(seed, (a, b) => [a, (0.5 * a) + b]), s_equal, 2, 1));
        Assert.Null(TriangularMap.TryFit(Draw(seed, (a, b) => [(0.2 * a) + (b > 0 ? 3 : -3), a]), s_equal, 2, 1));
    }
}
