using Monge.References;

namespace Monge.Tests.References;

public sealed class VolterraEquationTests
{
    [Theory]
    [InlineData(50)]
    [InlineData(100)]
    public void A_scalar_equation_with_an_exact_solution_is_solved_to_second_order(int steps)
    {
        // g + int_0^t (t - s) g ds = 1 has the solution cos t.
        var h = 2.0 / steps;
        var kernel = new double[(steps + 1) * (steps + 1)];
        for (var k = 0; k <= steps; k++)
        {
            for (var l = 0; l <= k; l++)
            {
                kernel[(k * (steps + 1)) + l] = h * (k - l);
            }
        }

        var solution = VolterraEquation.Solve(kernel, [.. Enumerable.Repeat(1.0, steps + 1)], 1, h);
        for (var k = 0; k <= steps; k++)
        {
            Assert.Equal(Math.Cos(h * k), solution[k], 0.2 * h * h);
        }
    }

    [Fact]
    public void A_constant_kernel_makes_vectors_decay_by_its_matrix()
    {
        // g' = -G g with G = [[1, 0.5], [0, 2]]: g = exp(-G t) g_0, for two starts at once.
        const int steps = 400;
        const double h = 0.005;
        var size = 2 * (steps + 1);
        double[] block = [1, 0.5, 0, 2];
        var kernel = new double[size * size];
        for (var at = 0; at < kernel.Length; at++)
        {
            kernel[at] = block[(at / size % 2 * 2) + (at % size % 2)];
        }

        var forcing = new double[size * 2];
        for (var k = 0; k <= steps; k++)
        {
            forcing[4 * k] = 1;
            forcing[(4 * k) + 3] = 1;
        }

        var solution = VolterraEquation.Solve(kernel, forcing, 2, h);
        var t = steps * h;
        Assert.Equal(Math.Exp(-t), solution[^4], 1e-5);
        Assert.Equal(0, solution[^2], 1e-12);
        Assert.Equal(0.5 * (Math.Exp(-2 * t) - Math.Exp(-t)), solution[^3], 1e-5);
        Assert.Equal(Math.Exp(-2 * t), solution[^1], 1e-5);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => VolterraEquation.Solve([1, 2, 3], [1, 1], 1, 0.1));
        Assert.Throws<ArgumentException>(() => VolterraEquation.Solve([1, 2, 3, 4], [1, 1, 1], 1, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => VolterraEquation.Solve([1], [1], 1, 0));
    }
}
