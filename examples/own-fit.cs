#!/usr/bin/env dotnet
// A network and a schedule of your own inside `fit`, with checkpoint, --resume, conditions, densities, the model's file and all commands.
//   dotnet run examples/own-fit.cs -- fit data.csv --schedule late --network waves --out m.safetensors
//   dotnet run examples/own-fit.cs -- generate m.safetensors -n 1000 -o s.csv
#:project ../src/Monge.Cli/Monge.Cli.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using Monge.Cli;
using Monge.Engine.Programs;
using Monge.Methods;
using Monge.Paths;

// A schedule is its formulas; rates are taken by the engine. The models' files name it, so every program that reads them adds it.
InterpolantSchedules.Add(new InterpolantSchedule("late", alpha: t => 1 - t.Square(), beta: t => t.Square()));

// A network is a formula of a position u [inputs] and the time; its parameters are declared here, in this order. A condition stands among the inputs.
FlowNetworks.Add("waves", (parameters, initializer, options) => (name, inputs, outputs) =>
{
    var units = options.Size.Width ?? 128;
    var turn = initializer.Add(parameters, $"{name}.turn", 1 / Math.Sqrt(inputs), units, inputs + 2);
    var shift = initializer.Add(parameters, $"{name}.shift", 1, units);
    var last = initializer.Add(parameters, $"{name}.last", 0, outputs, units);
    return (u, t) =>
    {
        var time = Expr.Concat(0, (Math.PI * t).Cos().Reshape(1), (2 * Math.PI * t).Sin().Reshape(1));
        return Expr.MatrixProduct(last, (Expr.MatrixProduct(turn, Expr.Concat(0, u, time)) + shift).Sin());
    };
});

return await MongeCommand.RunAsync(args);
