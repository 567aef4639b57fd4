// A program with a density of its own, as examples/banana.cs is one; its first argument says which density.
using Monge.Cli;
using Monge.Engine.Programs;
using Monge.Measures;

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
