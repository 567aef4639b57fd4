// A program with a density of its own, as examples/banana.cs is one, or with a diffusion, as examples/own-diffusion.cs; its first argument says which.
using Monge.Cli;
using Monge.Engine.Programs;
using Monge.Measures;

if (args[0] is "well" or "tilted")
{
    var tilt = args[0] == "tilted" ? 0.3 : 0;
    return await MongeCommand.RunAsync(args[1..], new EvolutionProblem
    {
        Name = "own-well",
        Initial = GaussianBase.Diagonal([-0.5], [0.5]),
        Energy = new FreeEnergy { Potential = x => (x[0].Square() - 1).Square() + (tilt * x[0]), Temperature = 0.5 },
    });
}

Func<Expr, Expr> formula = args[0] switch
{
    "gaussian" => x => -0.5 * x.SquaredNorm(),
    "nan" => x => (-1 - x.SquaredNorm()).Log(),
    "vector" => x => -0.5 * x.Square(),
    "mismatch" => x => -0.5 * (x + Expr.Constant([1, 2, 3], 3)).SquaredNorm(),
    "growing" => x => x[0].Square() - x[1].Square(),
    "nowhere" => x => (x[0] - 1000).Greater(0).Log() - (0.5 * x.SquaredNorm()),
    _ => throw new ArgumentException($"There is no density '{args[0]}'."),
};
return await MongeCommand.RunAsync(args[1..], Density.Create("own", dimension: 2, formula));
