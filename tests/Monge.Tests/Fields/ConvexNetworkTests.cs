using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;

namespace Monge.Tests.Fields;

/// <summary>The closed forms of the convex network against the engine's derivatives, and its maps forward and back.</summary>
public sealed class ConvexNetworkTests
{
    private const int Samples = 40;

    [Theory]
    [InlineData(1, 3, false, 1)]
    [InlineData(2, 8, false, 1)]
    [InlineData(5, 12, true, 1)]
    [InlineData(2, 8, false, 8)]
    [InlineData(5, 12, true, 3)]
    public void Gradient_and_Hessian_are_the_derivatives_of_the_value(int d, int width, bool affine, int pieces)
    {
        var (parameters, network, values) = Make(d, width, affine, pieces);
        var x = Expr.Input("x", d);
        var (gradient, hessian) = network.GradientAndHessian(x);
        var derivative = Derivative.Gradient(network.Value(x), x);
        var program = new TracedProgram(
            parameters, ("gradient", gradient - derivative), ("alone", network.Gradient(x) - derivative),
            ("hessian", hessian - Derivative.Jacobian(derivative, x)), ("scale", hessian.SquaredNorm().Sqrt()));
        using var compiled = new CompiledProgram<double>(program) { Parameters = values };
        var points = NdArray<double>.From(Points(d), Samples, d);
        compiled["x"] = points;
        foreach (var name in (string[])["gradient", "alone"])
        {
            compiled[name] = new NdArray<double>(Samples, d);
        }

        (compiled["hessian"], compiled["scale"]) = (new NdArray<double>(Samples, d, d), new NdArray<double>(Samples));
        compiled.Run(Samples);
        Assert.True(compiled["scale"].Span[0] > 0.1);
        foreach (var name in (string[])["gradient", "alone", "hessian"])
        {
            Assert.All(compiled[name].Span.ToArray(), difference => Assert.InRange(difference, -1e-12, 1e-12));
        }
    }

    [Theory]
    [InlineData(1, 3, false, 1)]
    [InlineData(5, 12, true, 1)]
    [InlineData(7, 4, false, 1)]
    [InlineData(5, 12, true, 4)]
    [InlineData(7, 4, false, 4)]
    public void Products_without_a_matrix_are_those_of_the_Hessian(int d, int width, bool affine, int pieces)
    {
        var (parameters, network, values) = Make(d, width, affine, pieces);
        var (x, v) = (Expr.Input("x", d), Expr.Input("v", d));
        var (gradient, hessian) = network.GradientAndHessian(x);
        var (alone, times) = network.GradientAndHessianProducts(x);
        using var compiled = new CompiledProgram<double>(new TracedProgram(
            parameters, ("gradient", gradient - alone), ("product", Expr.MatrixProduct(hessian, v) - times(v)), ("size", hessian.SquaredNorm().Sqrt())))
        {
            Parameters = values,
        };
        (compiled["x"], compiled["v"]) = (NdArray<double>.From(Points(d), Samples, d), NdArray<double>.From([.. Points(d).Reverse()], Samples, d));
        (compiled["gradient"], compiled["product"]) = (new NdArray<double>(Samples, d), new NdArray<double>(Samples, d));
        compiled["size"] = new NdArray<double>(Samples);
        compiled.Run(Samples);
        Assert.True(compiled["size"].Span[0] > 0.1);
        Assert.All(compiled["gradient"].Span.ToArray(), difference => Assert.InRange(difference, -1e-12, 1e-12));
        Assert.All(compiled["product"].Span.ToArray(), difference => Assert.InRange(difference, -1e-11, 1e-11));
    }

    [Theory]
    [InlineData(1, true, 0, 1)]
    [InlineData(16, true, 0, 1)]
    [InlineData(1, false, 20, 1000)]
    public void A_start_near_the_identity_moves_points_by_less_than_one_and_that_of_the_source_by_far_more(int pieces, bool near, double least, double most)
    {
        var (parameters, initializer, x) = (new ParameterSet(), new ParameterInitializer(), Expr.Input("x", 4));
        var network = new ConvexNetwork(parameters, initializer, "psi", 4, new ConvexNetworkOptions { StartsNearIdentity = near, Pieces = pieces });
        using var compiled = new CompiledProgram<double>(new TracedProgram(parameters, ("off", (network.Gradient(x) - x).SquaredNorm())))
        {
            Parameters = new NdArray<double>(parameters.Count),
        };
        initializer.Fill(compiled.Parameters.Span, new RandomKey(11, StreamName.Numbered("convex network tests: start", 900)));
        network.MakeConvex(compiled.Parameters.Span);
        (compiled["x"], compiled["off"]) = (NdArray<double>.From(Points(4), Samples, 4), new NdArray<double>(Samples));
        compiled.Run(Samples);
        Assert.InRange(compiled["off"].Span.ToArray().Average(), least, most);
    }

    [Fact]
    public void A_unit_of_several_pieces_is_the_log_of_the_sum_of_their_exponentials()
    {
        const int d = 3;
        var (parameters, network, values) = Make(d, 2, affine: false, pieces: 2);
        double[] slopes = [1, -2, 0.5, 0.3, 0.7, -1.5];
        values.Span.Clear();
        foreach (var block in parameters.Blocks)
        {
            double[] set = block.Name switch
            {
                "psi.1.linear" => slopes,
                "psi.1.bias" => [0.2, -0.4],
                "psi.2.weight" => [3],
                _ => [],
            };
            set.CopyTo(values.Span[block.Offset..]);
        }

        using var compiled = new CompiledProgram<double>(new TracedProgram(parameters, ("value", network.Value(Expr.Input("x", d))))) { Parameters = values };
        var points = Points(d);
        (compiled["x"], compiled["value"]) = (NdArray<double>.From(points, Samples, d), new NdArray<double>(Samples));
        compiled.Run(Samples);
        for (var i = 0; i < Samples; i++)
        {
            var x = points.AsSpan(i * d, d).ToArray();
            double Level(int piece) => x.Zip(slopes[(piece * d)..], (a, b) => a * b).Sum();
            var expected = (3 * Math.Log(1 + Math.Exp(Level(0) + 0.2) + Math.Exp(Level(1) - 0.4))) + (0.5e-6 * x.Sum(v => v * v));
            Assert.Equal(expected, compiled["value"][i], 1e-12);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void The_Hessian_is_positive_definite_where_the_constrained_weights_are_not_negative(int pieces)
    {
        var (parameters, network, values) = Make(4, 16, affine: false, pieces);
        using var compiled = new CompiledProgram<double>(new TracedProgram(parameters, ("hessian", network.GradientAndHessian(Expr.Input("x", 4)).Hessian)))
        {
            Parameters = values,
        };
        (compiled["x"], compiled["hessian"]) = (NdArray<double>.From(Points(4), Samples, 4), new NdArray<double>(Samples, 4, 4));
        compiled.Run(Samples);
        for (var i = 0; i < Samples; i++)
        {
            Assert.True(SymmetricEigen.Decompose(compiled["hessian"].Span.Slice(16 * i, 16), 4).Values[0] > 0);
        }
    }

    [Fact]
    public void The_gradient_of_the_log_determinant_to_the_parameters_is_that_of_finite_differences()
    {
        var (parameters, network, values) = Make(3, 4, affine: true);
        var (gradient, hessian) = network.GradientAndHessian(Expr.Input("x", 3));
        var loss = gradient.SquaredNorm() - hessian.LogDeterminant();
        using var compiled = new CompiledProgram<double>(
            new TracedProgram(parameters, ("loss", loss.BatchSum()), ("gradient", Derivative.ParameterGradient(loss, parameters).BatchSum())))
        {
            Parameters = values,
        };
        compiled["x"] = NdArray<double>.From(Points(3), Samples, 3);
        double Loss()
        {
            compiled.Run(Samples);
            return compiled["loss"][0];
        }

        Loss();
        var exact = compiled["gradient"].Span.ToArray();
        for (var p = 0; p < parameters.Count; p++)
        {
            var (at, h) = (values[p], 1e-5);
            values[p] = at + h;
            var up = Loss();
            values[p] = at - h;
            var difference = (up - Loss()) / (2 * h);
            values[p] = at;
            Assert.InRange(exact[p], difference - (1e-5 * (1 + Math.Abs(difference))), difference + (1e-5 * (1 + Math.Abs(difference))));
        }
    }

    [Fact]
    public void A_map_and_its_inverse_give_the_points_back_and_their_determinants_cancel()
    {
        var (parameters, network, values) = Make(6, 24, affine: true);
        using var maps = new ConvexMaps(parameters, network);
        values.Span.CopyTo(maps.Values);
        var points = Points(6);
        double[] moved = [.. points];
        var logs = new double[Samples];
        maps.Push(moved, logs);
        Assert.True(moved.Zip(points, (a, b) => Math.Abs(a - b)).Max() > 0.1);
        Assert.All(logs, log => Assert.True(double.IsFinite(log) && log != 0));
        maps.Invert(moved, logs);
        Assert.All(moved.Zip(points), pair => Assert.InRange(pair.First - pair.Second, -1e-7, 1e-7));
        Assert.All(logs, log => Assert.InRange(log, -1e-6, 1e-6));
    }

    [Fact]
    public void A_part_of_a_map_moves_along_straight_lines_and_has_an_inverse_too()
    {
        var (parameters, network, values) = Make(4, 16, affine: true);
        using var maps = new ConvexMaps(parameters, network);
        values.Span.CopyTo(maps.Values);
        var points = Points(4);
        var (whole, part, logs) = ((double[])[.. points], (double[])[.. points], new double[Samples]);
        maps.Push(whole, default);
        maps.Push(part, logs, share: 0.3);
        Assert.All(Enumerable.Range(0, part.Length), i => Assert.Equal((0.7 * points[i]) + (0.3 * whole[i]), part[i], 1e-12));
        maps.Invert(part, logs, share: 0.3);
        Assert.All(part.Zip(points), pair => Assert.InRange(pair.First - pair.Second, -1e-7, 1e-7));
        Assert.All(logs, log => Assert.InRange(log, -1e-6, 1e-6));

        // No part at all moves nothing.
        maps.Push(part, logs, share: 0);
        Assert.All(logs, log => Assert.InRange(log, -1e-6, 1e-6));
    }

    private static (ParameterSet Parameters, ConvexNetwork Network, NdArray<double> Values) Make(int d, int width, bool affine, int pieces = 1)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var options = new ConvexNetworkOptions { Width = width, Rank = 2, HasAffinePart = affine, Pieces = pieces };
        var network = new ConvexNetwork(parameters, initializer, "psi", d, options);
        var values = new NdArray<double>(parameters.Count);
        initializer.Fill(values.Span, new RandomKey(3, StreamName.Of("convex network test")));
        network.MakeConvex(values.Span);
        return (parameters, network, values);
    }

    private static double[] Points(int d)
    {
        var random = new RandomStream(5, StreamName.Of("convex network points"));
        return [.. Enumerable.Range(0, Samples * d).Select(_ => random.NextNormal())];
    }
}
